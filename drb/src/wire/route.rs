//! The way to a process over the native wire.

use super::{Driver, ServerHome, Serving};
use crate::{
    Carried, Client, Closing, Context, Error, Limits, Link, Reference, Request, Session, Uri, Wire,
    client::Deadline, net::Stream,
};
use drb_core::native::{Asking, Connection, Stage};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio::sync::OnceCell;

/// One process, and the connection to it. If that is lost, the next call makes another one.
pub(crate) struct NativeRoute {
    client: Client,
    uri: Arc<str>,
    line: Mutex<Arc<Line>>,
}

/// Nobody calls the process's front or named objects any more.
impl Drop for Line {
    fn drop(&mut self) {
        self.connection.protocol().leave();
    }
}

/// A connection that is made when it is first used.
struct Line {
    connection: Arc<Connection>,
    dialled: OnceCell<()>,
}

impl NativeRoute {
    pub(crate) fn new(client: Client, uri: Arc<str>) -> Self {
        let line = Mutex::new(Line::new(&client, &uri));
        Self { client, uri, line }
    }

    /// Makes sure that there is a connection.
    pub(crate) async fn connect(&self) -> Result<(), Error> {
        self.line().dial(self.client.limits(), Deadline::new(None)).await
    }

    fn line(&self) -> Arc<Line> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.connection.stage() == Stage::Over {
            *line = Line::new(&self.client, &self.uri);
        }
        Arc::clone(&line)
    }
}

impl Line {
    fn new(client: &Client, uri: &Arc<str>) -> Arc<Self> {
        let home = ServerHome { client: client.clone() };
        let connection = Connection::new(client.shared_limits(), Arc::clone(uri), home);
        Arc::new(Self { connection, dialled: OnceCell::new() })
    }

    async fn dial(&self, limits: &Limits, deadline: Deadline) -> Result<(), Error> {
        let dial = async {
            let uri = self.connection.uri();
            let failed =
                |error: io::Error| Error::Connect { uri: Arc::clone(uri), source: Arc::new(error) };
            let address = Uri::parse(uri)?.address;
            let stream = deadline.bound(limits.connect, uri, Stream::connect(&address)).await?;
            let peer = stream.peer().map_err(failed)?;
            let context = Context::new(peer, Wire::Native, Arc::clone(uri));
            let connection = Arc::clone(&self.connection);
            let serving = Serving::new(None, context, &connection);
            connection.reach(Stage::Open);
            tokio::spawn(Driver::new(connection, stream, serving, Vec::new()).run());
            Ok(())
        };
        self.dialled.get_or_try_init(|| dial).await.map(|_| ())
    }
}

impl Link for NativeRoute {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        self.client.shared_limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(&self.line().connection) as _)
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        self.line().connection.closed()
    }

    fn carry(self: Arc<Self>, mut request: Request) -> Carried {
        // The connection that the arguments were dumped for.
        let connection = request.native.as_ref().and_then(Asking::connection);
        if let Some(connection) = connection
            && connection.stage() == Stage::Open
        {
            return Carried::made(connection.call(request, Instant::now()));
        }
        let line = self.line();
        Carried::new(async move {
            let deadline = Deadline::of(&request)?;
            // Connecting is part of the call.
            request.until = deadline.until();
            line.dial(self.client.limits(), deadline).await?;
            Arc::clone(&line.connection).call(request, Instant::now())?.await
        })
    }
}
