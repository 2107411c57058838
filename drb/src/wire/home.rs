//! What a connection asks of this process.

use crate::{
    Carried, Client, Reference, Remote, Request,
    dispatch::Dispatch,
    local::{self, LocalLink},
    server,
    timer::now,
};
use drb_core::native::{Connection, Home};
use std::{sync::Arc, task::Context};

/// The process as the connections of a client or a server see it.
pub(crate) struct ServerHome {
    pub(crate) client: Client,
}

impl Home for ServerHome {
    fn local(&self, object: Arc<dyn Dispatch>) -> Remote {
        LocalLink::of(object)
    }

    fn carry(
        &self,
        connection: Arc<Connection>,
        request: Request,
        context: &Context<'_>,
    ) -> Carried {
        Carried::made(connection.call(request, now(), Some(context)))
    }

    fn remote(&self, reference: Reference) -> Remote {
        self.client.elsewhere(reference)
    }

    fn object(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        local::object(reference).or_else(|| server::object(reference))
    }
}
