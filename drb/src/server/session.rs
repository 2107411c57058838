//! References, as the calls of one connection see them.

use super::{Shared, registry};
use crate::{
    DumpError, Holder, Reference, Relay, Remote, Session, dispatch::Dispatch, local::LocalLink,
    timer::now,
};
use std::{sync::Arc, time::Instant};

/// The session of a peer that calls this server.
pub(crate) struct ServerSession {
    pub(crate) shared: Arc<Shared>,
    /// Where the peer reaches this server.
    pub(crate) uri: Arc<str>,
    pub(crate) holder: Holder,
}

impl Session for ServerSession {
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let id = self.shared.objects.export(object, self.holder, now())?;
        Ok(Reference::new(Arc::clone(&self.uri), id))
    }

    fn now(&self) -> Instant {
        now()
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
            None => self.shared.client.elsewhere(reference),
        }
    }

    fn hand_on(&self, reference: &Reference) -> Result<Option<Reference>, DumpError> {
        // What has no name elsewhere is called through this process.
        match super::relay(reference) {
            Some(relay) => self.export(relay).map(Some),
            None => self.shared.hand_on(reference, self),
        }
    }
}
