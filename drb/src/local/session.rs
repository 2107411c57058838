//! References, as one call within the process sees them.

use super::{LocalLink, objects};
use crate::{
    Client, DumpError, Limit, Link, Reference, Relay, Remote, Session,
    dispatch::Dispatch,
    native::{self, Tables},
    server::{self, Shared},
    timer::now,
};
use drb_core::native::Held;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// One of the two sides of a call: what is dumped there, and what is loaded.
pub(crate) struct LocalSession {
    server: Arc<Shared>,
    /// Calls what is elsewhere.
    client: Client,
    /// Whether it is the server's side.
    serves: bool,
    /// What a message refers to, until it is loaded.
    held: Mutex<Vec<Arc<dyn Link>>>,
}

impl LocalSession {
    pub(super) fn new(server: Arc<Shared>, client: Client, serves: bool) -> Self {
        Self { server, client, serves, held: Mutex::default() }
    }

    /// The side of whoever calls what is of no server.
    pub(crate) fn within() -> Self {
        let server = server::within();
        Self::new(Arc::clone(server), server.client.clone(), false)
    }

    /// The server that is called.
    pub(crate) fn server(&self) -> &Arc<Shared> {
        &self.server
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What the message refers to that was dumped.
    pub(super) fn take_held(&self) -> Option<Held> {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        (!held.is_empty()).then(|| Held::within(held))
    }
}

impl Session for LocalSession {
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let limits = if self.serves { &self.server.limits } else { self.client.shared_limits() };
        if self.server.local.held(self.serves) >= limits.exports {
            return Err(DumpError::Limit { limit: Limit::Exports, max: limits.exports });
        }
        let (link, reference) = objects::hold(object, &self.server, &self.client, self.serves);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        Ok(reference)
    }

    fn now(&self) -> Instant {
        now()
    }

    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        self.export(object)
    }

    fn tables(&self) -> Option<&Arc<Tables>> {
        Some(objects::tables())
    }

    fn withdraw(&self, reference: &Reference) {
        server::discard(objects::withdraw(reference).into_iter().collect());
    }

    fn local(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        objects::object_or_named(reference).or_else(|| server::object(reference))
    }

    fn remote(&self, reference: Reference) -> Remote {
        let relay = self.local(&reference).as_ref().and_then(Relay::behind);
        if let Some(behind) = relay {
            return behind;
        }
        if let Some(link) = objects::find(&reference) {
            return Remote::new(link, reference);
        }
        match reference.uri() {
            // What was held is gone.
            None => LocalLink::gone(self, reference),
            Some(_) => self.client.remote(reference),
        }
    }

    fn hand_on(&self, reference: &Reference) -> Result<Option<Reference>, DumpError> {
        // An object of a native connection, or one of this process, which is the same whatever names it.
        let object = native::relay(reference).or_else(|| server::object(reference));
        object.map(|object| self.export(object)).transpose()
    }
}
