//! The way to a process over the native wire.

use super::{Driver, Driving, ServerHome, Serving};
use crate::{
    Carried, Client, Closing, Context, Error, Limits, Link, Outcome, Reference, Remote, Request,
    Session, Uri, Wire,
    client::{Deadline, current_runtime},
    timer::Timer,
    transport,
};
use drb_core::native::{self, Connection, Stage};
use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task,
};

/// One process, and the connection to it. If that is lost, the next call makes another one.
pub(crate) struct NativeRoute {
    client: Client,
    to: Uri,
    /// Nearly all routes have no other one, so nobody who calls has to wait for others who look for it.
    first: Arc<Line>,
    /// The one in its place, after it.
    following: Mutex<Option<Arc<Line>>>,
}

/// Nobody calls the process's front or named objects any more.
impl Drop for Line {
    fn drop(&mut self) {
        self.connection.leave();
    }
}

/// A connection that is made when it is first used.
struct Line {
    connection: Arc<Connection>,
    /// Whose turn it is to dial, or to send what waits for that: in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// How many wait for their turn.
    waiting: usize,
    dialled: bool,
}

/// Somebody who waits until it is dialled. The connection is open for others only when nobody waits any
/// more, so that no call overtakes those that were made before it.
struct Waits(Arc<Line>);

impl Waits {
    /// `None` if the connection is open, or has been.
    fn new(line: &Arc<Line>) -> Option<Self> {
        let mut queue = line.queue();
        if line.connection.stage() != Stage::New {
            return None;
        }
        queue.waiting += 1;
        Some(Self(Arc::clone(line)))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.waiting -= 1;
        if queue.waiting == 0 && queue.dialled {
            self.0.connection.reach(Stage::Open);
        }
    }
}

impl NativeRoute {
    /// The way to a process at `uri`, which is what `to` is in words.
    pub(crate) fn new(client: Client, uri: &Arc<str>, to: Uri) -> Self {
        let first = Line::new(&client, uri);
        Self { client, to, first, following: Mutex::default() }
    }

    /// Makes sure that there is a connection.
    pub(crate) async fn connect(&self) -> Result<(), Error> {
        let line = self.line();
        let Some(_waits) = Waits::new(&line) else { return Ok(()) };
        line.dial(&self.client, &self.to, Deadline::new(None)).await.map(drop)
    }

    fn line(&self) -> Arc<Line> {
        match self.first.is_over() {
            false => Arc::clone(&self.first),
            true => self.next(),
        }
    }

    #[cold]
    fn next(&self) -> Arc<Line> {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let line = match &*following {
            Some(line) if !line.is_over() => return Arc::clone(line),
            line => line.as_ref().unwrap_or(&self.first).following(&self.client),
        };
        Arc::clone(following.insert(line))
    }
}

impl Line {
    fn new(client: &Client, uri: &Arc<str>) -> Arc<Self> {
        let home = ServerHome::of_client(client.clone());
        Self::of(Connection::new(client.shared_limits(), Arc::clone(uri), home))
    }

    /// The next one, when this one is over.
    fn following(&self, client: &Client) -> Arc<Self> {
        Self::of(self.connection.following(ServerHome::of_client(client.clone())))
    }

    fn of(connection: Arc<Connection>) -> Arc<Self> {
        Arc::new(Self { connection, turn: tokio::sync::Mutex::default(), queue: Mutex::default() })
    }

    fn is_over(&self) -> bool {
        self.connection.stage() == Stage::Over
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the caller's turn, and dials if nobody has. What is given lasts as long as the turn.
    async fn dial(
        &self,
        client: &Client,
        to: &Uri,
        deadline: Deadline,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, Error> {
        current_runtime(self.connection.uri())?;
        let turn = pin!(async {
            let turn = self.turn.lock().await;
            if !self.queue().dialled {
                self.open(client, to, deadline).await?;
                self.queue().dialled = true;
            }
            Ok(turn)
        });
        match deadline.until {
            None => turn.await,
            // Another call may be the one that dials, with more time than this one.
            Some(until) => match Timer::default().by(until, turn).await {
                Ok(turn) => turn,
                Err(_) => Err(deadline.exceeded(Outcome::NotExecuted)),
            },
        }
    }

    async fn open(&self, client: &Client, to: &Uri, deadline: Deadline) -> Result<(), Error> {
        let (uri, limits) = (self.connection.uri(), client.limits());
        let mut timer = Timer::default();
        transport::check(to, uri, client)?;
        let connecting = pin!(transport::connect(to, client));
        let stream = deadline.bound(&mut timer, limits.connect, uri, connecting).await?;
        let context = Context::of(stream.peer(), stream.identity(), Wire::Native, Arc::clone(uri));
        let connection = Arc::clone(&self.connection);
        let serving = Serving::new(None, context, &connection);
        let driver = Driver::new(connection, stream, serving, timer, Vec::new(), None);
        tokio::spawn(Driving::new(driver));
        Ok(())
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
        match self.first.is_over() {
            false => Some(Arc::clone(&self.first.connection) as _),
            true => Some(Arc::clone(&self.next().connection) as _),
        }
    }

    fn pipeline(self: Arc<Self>, first: Box<Request>) -> Remote {
        native::pipeline(self, first)
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        loop {
            let line = self.line();
            if let Some(closing) = line.connection.closed(Arc::clone(&line)) {
                return closing;
            }
            // The next one is another one.
            line.connection.reach(Stage::Over);
        }
    }

    fn carry(
        self: Arc<Self>,
        request: &mut Request,
        context: &task::Context<'_>,
        carried: &mut Carried,
    ) {
        // The connection that the arguments were dumped for.
        if let Some(connection) = request.take_open() {
            return connection.call(request, Some(context), carried);
        }
        let line = self.line();
        let Some(waits) = Waits::new(&line) else {
            return Arc::clone(&line.connection).call(request, Some(context), carried);
        };
        let mut request = request.take();
        *carried = Carried::new(async move {
            let deadline = Deadline::of(&request)?;
            let turn = line.dial(&self.client, &self.to, deadline).await?;
            // Connecting is part of the call.
            request.until = deadline.until();
            let mut made = Carried::Nothing;
            Arc::clone(&line.connection).call(&mut request, None, &mut made);
            drop((turn, waits));
            made.await.map_err(|error| match error {
                // All of the time, not what was left of it.
                Error::DeadlineExceeded { outcome, .. } => deadline.exceeded(outcome),
                error => error,
            })
        });
    }
}
