//! References, as the calls of one connection see them.

use super::{Shared, registry};
use crate::{
    Current, DumpError, Holder, Reference, Relay, Remote, Session, dispatch::Dispatch,
    local::LocalLink, native, timer::now,
};
use std::{any::Any, sync::Arc};

/// The session of a peer that calls this server.
pub(crate) struct ServerSession {
    pub(crate) shared: Arc<Shared>,
    /// Where the peer reaches this server.
    pub(crate) uri: Arc<str>,
    pub(crate) holder: Holder,
}

impl ServerSession {
    /// The same for calls within the process.
    pub(crate) fn for_this_process(&self) -> Self {
        let Self { shared, uri, .. } = self;
        Self { shared: Arc::clone(shared), uri: Arc::clone(uri), holder: Holder::Local }
    }

    /// The session of a call that is being served.
    pub(crate) fn of(current: &Current) -> Option<&Self> {
        let session: &dyn Any = &**current.session();
        session.downcast_ref()
    }
}

impl Session for ServerSession {
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let id = self.shared.objects.export(object, self.holder, now())?;
        Ok(Reference::new(Arc::clone(&self.uri), id))
    }

    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let id = self.shared.objects.lend(object, self.holder, now())?;
        Ok(Reference::new(Arc::clone(&self.uri), id))
    }

    fn withdraw(&self, reference: &Reference) {
        self.shared.withdraw(reference);
    }

    fn local(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        registry::object(reference)
    }

    fn remote(&self, reference: Reference) -> Remote {
        match registry::local(&reference) {
            Some(server) => {
                let object = server.objects.find(reference.id(), now());
                let relayed = object.as_ref().and_then(Relay::behind);
                relayed.unwrap_or_else(|| LocalLink::remote(&server, reference))
            }
            None => self.shared.client.remote(reference),
        }
    }

    fn hand_on(&self, reference: &Reference) -> Result<Option<Reference>, DumpError> {
        // An object of a native connection has no name elsewhere, so it is called through this process.
        match native::relay(reference) {
            Some(relay) => self.export(relay).map(Some),
            None => self.shared.hand_on(reference, self),
        }
    }
}
