//! A stream that is read in the process that it is of.

use super::source::Source;
use crate::{
    Carried, Error, Limits, Link, ObjectId, Reference, Remote, Request, Response, Session, Wire,
    dispatch::Reply, ruby::ReplyReader, unresolved,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Context,
};

/// The way to a stream that has not travelled. Its items are copied all the same, so that they are what
/// they would be elsewhere.
struct Own {
    source: Arc<Source>,
    limits: Arc<Limits>,
    number: AtomicU64,
}

pub(super) fn remote(source: Arc<Source>) -> Remote {
    let own = Own { source, limits: Arc::default(), number: AtomicU64::new(0) };
    Remote::new(Arc::new(own), Reference::without_uri(ObjectId::Front))
}

impl Link for Own {
    fn wire(&self) -> Wire {
        Wire::Ruby
    }

    fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        None
    }

    fn pipeline(self: Arc<Self>, _: Box<Request>) -> Remote {
        // Nobody asks for objects here.
        unresolved::remote(Error::Stopped)
    }

    fn carry(self: Arc<Self>, _: &mut Request, _: &Context<'_>, carried: &mut Carried) {
        // Nobody else asks for anything, and always in order.
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let batch = self.source.batch(number, Reply::new(Wire::Ruby, &self.limits, None));
        let limits = Arc::clone(&self.limits);
        *carried = Carried::new(async move {
            let mut batch = batch.map_err(|_| Error::Stopped)?.await;
            let bytes = std::mem::take(batch.bytes());
            let mut reader = ReplyReader::new(&limits);
            match reader.advance(&bytes).map_err(Error::Load)? {
                None => Err(Error::Stopped),
                Some(head) => Ok(Response::ruby(bytes, head, limits, None)),
            }
        });
    }
}
