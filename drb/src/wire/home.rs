//! What a connection asks of this process.

use crate::{
    Carried, Client, Reference, Remote, Request,
    dispatch::Dispatch,
    local::{self, LocalLink},
    server::{self, Shared},
    timer::now,
};
use drb_core::native::{Connection, Home};
use std::{
    any::Any,
    sync::{Arc, Weak},
    task::Context,
    time::Instant,
};

/// The process as the connections of a client or a server see it.
pub(crate) struct ServerHome {
    client: Client,
    /// The server that has accepted the connection, if one has.
    server: Weak<Shared>,
}

impl ServerHome {
    /// Of a connection that `client` makes.
    pub(crate) fn of_client(client: Client) -> Self {
        Self { client, server: Weak::new() }
    }

    /// Of one that a server has accepted. It doesn't keep the server.
    pub(crate) fn of_server(server: &Arc<Shared>) -> Self {
        Self { client: server.client.clone(), server: Arc::downgrade(server) }
    }

    /// Whether the client makes the connection.
    pub(crate) fn is_of_client(&self, client: &Client) -> bool {
        self.server.ptr_eq(&Weak::new()) && self.client.is(client)
    }

    /// Whether the server has accepted it.
    pub(crate) fn is_of_server(&self, server: &Arc<Shared>) -> bool {
        std::ptr::eq(self.server.as_ptr(), Arc::as_ptr(server))
    }

    /// The server that has accepted the connection.
    pub(crate) fn server_of(connection: &Connection) -> Option<Arc<Shared>> {
        let home: &dyn Any = connection.home();
        home.downcast_ref::<Self>()?.server.upgrade()
    }
}

impl Home for ServerHome {
    fn local(&self, object: Arc<dyn Dispatch>) -> Remote {
        LocalLink::of(object)
    }

    fn carry(
        &self,
        connection: Arc<Connection>,
        request: &mut Request,
        context: &Context<'_>,
        carried: &mut Carried,
    ) {
        connection.call(request, Some(context), carried);
    }

    fn now(&self) -> Instant {
        now()
    }

    fn remote(&self, reference: Reference) -> Remote {
        self.client.elsewhere(reference)
    }

    fn object(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        local::object(reference).or_else(|| server::object(reference))
    }
}
