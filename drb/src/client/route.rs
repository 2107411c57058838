//! The way to one process.

use super::{
    Client, Pool,
    dial::{self, Deadline},
    exchange::exchange,
};
use crate::{
    Carried, DumpError, Error, Holder, Limits, Link, Reference, Remote, Request, Session, Wire,
    dispatch::Dispatch, server,
};
use std::{sync::Arc, time::Instant};

/// A way to one process, over Ruby's wire.
pub(super) struct Route {
    pub(super) client: Client,
    pub(super) pool: Arc<Pool>,
    session: Arc<dyn Session>,
}

/// References in the calls of a client.
struct ClientSession {
    client: Client,
}

impl Route {
    pub(super) fn new(client: Client, pool: Arc<Pool>) -> Self {
        let session = Arc::new(ClientSession { client: client.clone() });
        Self { client, pool, session }
    }

    /// Makes sure that there is a connection.
    pub(super) async fn connect(&self) -> Result<(), Error> {
        let uri = self.pool.uri();
        let connection = match self.pool.take(dial::current_runtime(uri)?) {
            Some(connection) => connection,
            None => dial::dial(uri, self.client.limits(), Deadline::new(None)).await?,
        };
        self.pool.put(connection);
        Ok(())
    }
}

impl Link for Route {
    fn wire(&self) -> Wire {
        Wire::Ruby
    }

    fn limits(&self) -> &Limits {
        self.client.limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(&self.session))
    }

    fn carry(self: Arc<Self>, request: Request) -> Carried {
        Box::pin(exchange(self, request))
    }
}

impl Session for ClientSession {
    /// The object is called back through the first server of this process, as in Ruby.
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let class = object.class();
        let server = server::primary().ok_or(DumpError::NoServer { class })?;
        let id = server.objects.export(object, Holder::Local, Instant::now())?;
        Ok(Reference::new(Arc::clone(&server.uri), id))
    }

    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let class = object.class();
        let server = server::primary().ok_or(DumpError::NoServer { class })?;
        let id = server.objects.lend(object, Holder::Local, Instant::now())?;
        Ok(Reference::new(Arc::clone(&server.uri), id))
    }

    fn withdraw(&self, reference: &Reference) {
        server::withdraw(reference);
    }

    fn local(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        server::object(reference)
    }

    fn remote(&self, reference: Reference) -> Remote {
        self.client.remote(reference)
    }
}
