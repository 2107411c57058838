//! An object that there is not going to be.

use crate::{
    Carried, Closed, Closing, Error, Limits, Link, ObjectId, Reference, Remote, Request, Session,
    Wire, native::Tables,
};
use std::{sync::Arc, task::Context};

/// The call that was to give the object could not be made.
struct Unresolved {
    cause: Error,
    limits: Arc<Limits>,
}

/// All calls of this fail, because of `cause`.
pub(crate) fn remote(cause: Error) -> Remote {
    // Equal to nothing else.
    let table = Tables::new().peer_objects;
    let reference = Reference::without_uri(ObjectId::Promise { table, number: 0 });
    Remote::new(Arc::new(Unresolved { cause, limits: Arc::default() }), reference)
}

impl Link for Unresolved {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        None
    }

    fn carry(self: Arc<Self>, _: &mut Request, _: &Context<'_>, carried: &mut Carried) {
        *carried = Carried::failed(Error::unresolved(self.cause.clone()));
    }

    fn pipeline(self: Arc<Self>, _: Box<Request>) -> Remote {
        remote(Error::unresolved(self.cause.clone()))
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        Closing::new(std::future::ready(Closed::Unresolved))
    }
}
