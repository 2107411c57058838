//! The way to one process.

use super::{
    Client, Pool,
    dial::{self, Deadline},
    exchange::exchange,
};
#[cfg(feature = "fire")]
use crate::fire;
use crate::{
    Carried, DumpError, Error, Limits, Link, Reference, Remote, Request, Session, Wire,
    dispatch::Dispatch,
    later,
    server::{self, Shared},
    timer::now,
};
use std::{sync::Arc, task::Context, time::Instant};

/// A way to one process, over Ruby's wire.
pub(super) struct Route {
    pub(super) client: Client,
    pub(super) pool: Arc<Pool>,
    session: Arc<dyn Session>,
}

/// References in the calls of a client.
struct ClientSession {
    client: Client,
    /// Knows the peer.
    pool: Arc<Pool>,
}

impl Route {
    pub(super) fn new(client: Client, pool: Arc<Pool>) -> Self {
        let session = Arc::new(ClientSession { client: client.clone(), pool: Arc::clone(&pool) });
        Self { client, pool, session }
    }

    /// Makes sure that there is a connection.
    pub(super) async fn connect(&self) -> Result<(), Error> {
        let uri = self.pool.uri();
        let connection = match self.pool.take(dial::current_runtime(uri)?) {
            Some(connection) => connection,
            None => dial::dial(&self.pool, &self.client, Deadline::new(None)).await?,
        };
        self.pool.put(connection);
        Ok(())
    }
}

impl Link for Route {
    fn wire(&self) -> Wire {
        Wire::Ruby
    }

    fn limits(&self) -> &Arc<Limits> {
        self.client.shared_limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(&self.session))
    }

    fn pipeline(self: Arc<Self>, first: Box<Request>) -> Remote {
        later::pipeline(self, first)
    }

    fn carry(self: Arc<Self>, request: &mut Request, _: &Context<'_>, carried: &mut Carried) {
        *carried = Carried::new(exchange(self, request.take()));
    }

    fn dismiss(self: Arc<Self>, mut request: Box<Request>) {
        crate::wait::spawn(exchange(self, request.take()));
    }
}

impl ClientSession {
    /// The server that the peer calls us back through, and where it reaches it.
    fn server(&self, class: &'static str) -> Result<(Arc<Shared>, Arc<str>), DumpError> {
        let to = self.pool.uri();
        let (server, uri) =
            by_fire(to).or_else(server::reachable).ok_or(DumpError::NoServer { class })?;
        let uri = uri.unwrap_or_else(|| server.uri_for(|| Some(self.pool.ends()?.local)));
        Ok((server, uri))
    }
}

/// The same, if drbfire leads back from there.
#[cfg(feature = "fire")]
fn by_fire(to: &str) -> Option<(Arc<Shared>, Option<Arc<str>>)> {
    let to_client = fire::way_back(to).map(|(server, uri)| (server, Some(uri)));
    to_client.or_else(|| server::behind(to).map(|server| (server, None)))
}

#[cfg(not(feature = "fire"))]
fn by_fire(_: &str) -> Option<(Arc<Shared>, Option<Arc<str>>)> {
    None
}

impl Session for ClientSession {
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let (server, uri) = self.server(object.class())?;
        let id = server.objects.export(object, self.pool.holder(), now())?;
        Ok(Reference::new(uri, id))
    }

    fn now(&self) -> Instant {
        now()
    }

    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let (server, uri) = self.server(object.class())?;
        let id = server.objects.lend(object, self.pool.holder(), now())?;
        Ok(Reference::new(uri, id))
    }

    fn withdraw(&self, reference: &Reference) {
        // If its server has ended, so have the objects.
        if let Some(server) = server::local(reference) {
            server.withdraw(reference);
        }
    }

    fn local(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        server::object(reference)
    }

    fn remote(&self, reference: Reference) -> Remote {
        self.client.elsewhere(reference)
    }

    fn hand_on(&self, reference: &Reference) -> Result<Option<Reference>, DumpError> {
        // What has no name elsewhere is called through this process.
        if let Some(relay) = server::relay(reference) {
            return self.export(relay).map(Some);
        }
        match server::reachable() {
            Some((server, _)) => server.hand_on(reference, self),
            None => Ok(None),
        }
    }
}
