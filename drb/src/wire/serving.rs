//! The calls of a peer that run.

use crate::{
    Context, Current, Exception, Limit, ObjectId, Session, Wire,
    dispatch::{Completed, Dispatch, Invoked, Reply},
    server::{FailedCall, Shared},
};
use drb_core::native::{Called, Connection};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Poll, Waker},
};
use tokio::task::AbortHandle;

/// What is served over one connection, and the calls that go on.
pub(crate) struct Serving {
    /// `None` for a client, which serves only what it has passed by reference.
    server: Option<Arc<Shared>>,
    context: Context,
    /// References in the calls go through it.
    session: Arc<dyn Session>,
    /// The call that is being served. As long as nobody else holds it, it serves for the next one.
    current: Arc<Current>,
    running: Arc<Running>,
    /// Whether no further calls are taken.
    stopping: bool,
    /// Memory for the next answer.
    spare: Vec<u8>,
}

/// The tasks of calls, by the numbers of the calls. Whoever takes one out answers it.
#[derive(Default)]
struct Running(Mutex<HashMap<u32, Option<AbortHandle>>>);

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Option<AbortHandle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serving {
    pub(crate) fn new(
        server: Option<Arc<Shared>>,
        context: Context,
        connection: &Arc<Connection>,
    ) -> Self {
        let session: Arc<dyn Session> = Arc::clone(connection) as _;
        Self {
            server,
            context,
            current: Arc::new(Current::new(Arc::clone(&session))),
            session,
            running: Arc::default(),
            stopping: false,
            spare: Vec::new(),
        }
    }

    /// Runs a call: in place, if its method is ready at once, else in a task of its own.
    pub(crate) fn call(
        &mut self,
        connection: &Arc<Connection>,
        called: Called<'_>,
        now: std::time::Instant,
    ) {
        let id = called.id;
        if self.stopping {
            let exception = Exception::new("DRb::DRbConnError", "the server is stopping");
            return self.refuse(connection, id, exception);
        }
        let most = connection.limits().calls;
        if self.running.lock().len() >= most {
            let name = Limit::Calls.name();
            let message =
                format!("the peer runs as many calls as the limit `{name}` of {most} allows");
            let exception = Exception::new("DRb::DRbConnError", message).with("limit", name);
            return self.refuse(connection, id, exception);
        }
        let object = self.object(connection, &called.target, now);
        let until = called.deadline.and_then(|deadline| now.checked_add(deadline));
        if Arc::get_mut(&mut self.current).is_none() {
            self.current = Arc::new(Current::new(Arc::clone(&self.session)));
        }
        let current = Arc::clone(&self.current);
        let buffer = std::mem::take(&mut self.spare);
        let serve = || connection.serve(&called, object, &self.context, until, buffer);
        let invoked = current.enter(serve);
        match invoked {
            Invoked::Done(completed) => self.answer(connection, id, &called.method, completed),
            Invoked::Running(mut running) => {
                // A method that waits for nothing needs no task.
                let mut nobody = task::Context::from_waker(Waker::noop());
                let first = current.enter(|| Pin::new(&mut running).poll(&mut nobody));
                match first {
                    Poll::Ready(completed) => {
                        self.answer(connection, id, &called.method, completed);
                    }
                    Poll::Pending => {
                        let run = async move {
                            poll_fn(|context| {
                                current.enter(|| Pin::new(&mut running).poll(context))
                            })
                            .await
                        };
                        self.spawn(connection, id, called.method, run);
                    }
                }
            }
            Invoked::Blocking(blocking) => {
                let run = async move {
                    let blocking =
                        tokio::task::spawn_blocking(move || current.enter(|| blocking.run()));
                    match blocking.await {
                        Ok(completed) => completed,
                        // It fails only where the runtime ends, and then nobody is told.
                        Err(_) => std::future::pending().await,
                    }
                };
                self.spawn(connection, id, called.method, run);
            }
        }
    }

    /// A call is not made.
    pub(crate) fn refuse(&mut self, connection: &Arc<Connection>, id: u32, exception: Exception) {
        let session = Some(Arc::clone(&self.session));
        let reply = Reply::new(Wire::Native, connection.limits(), session);
        let completed = reply.refusal(exception);
        self.answer(connection, id, "", completed);
    }

    /// The caller no longer wants what a call gives.
    pub(crate) fn cancel(&mut self, connection: &Arc<Connection>, id: u32) {
        let running = self.running.lock().remove(&id);
        // If it has been answered, that is all the caller needs.
        let Some(task) = running else { return };
        if let Some(task) = task {
            task.abort();
        }
        let session = Some(Arc::clone(&self.session));
        let reply = Reply::new(Wire::Native, connection.limits(), session);
        let completed = reply.failure(Exception::new("Timeout::Error", "the call was cancelled"));
        self.answer(connection, id, "", completed);
    }

    /// Takes no further calls.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    /// Whether no call runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.lock().is_empty()
    }

    /// Nobody waits for anything any more.
    pub(crate) fn end(&mut self) {
        let tasks = std::mem::take(&mut *self.running.lock());
        let mut tasks: Vec<_> = tasks.into_iter().collect();
        // In the same order each time, for tests that are repeated.
        tasks.sort_unstable_by_key(|(id, _)| *id);
        tasks.into_iter().filter_map(|(_, task)| task).for_each(|task| task.abort());
    }

    fn object(
        &self,
        connection: &Arc<Connection>,
        target: &ObjectId,
        now: std::time::Instant,
    ) -> Option<Arc<dyn Dispatch>> {
        match target {
            ObjectId::Slot { .. } => {
                connection.local(&crate::Reference::without_uri(target.clone()))
            }
            target => self.server.as_ref()?.objects.find(target, now),
        }
    }

    fn spawn(
        &self,
        connection: &Arc<Connection>,
        id: u32,
        method: Arc<str>,
        run: impl Future<Output = Completed> + Send + 'static,
    ) {
        self.running.lock().insert(id, None);
        let (connection, running) = (Arc::clone(connection), Arc::clone(&self.running));
        let (server, context) = (self.server.clone(), self.context.clone());
        let task = tokio::spawn(async move {
            let completed = run.await;
            if running.lock().remove(&id).is_some() {
                tell(server.as_deref(), &context, &method, &completed);
                send(&connection, id, completed);
            }
        });
        // It may have ended already.
        if let Some(place) = self.running.lock().get_mut(&id) {
            *place = Some(task.abort_handle());
        }
    }

    fn answer(
        &mut self,
        connection: &Arc<Connection>,
        id: u32,
        method: &str,
        completed: Completed,
    ) {
        tell(self.server.as_deref(), &self.context, method, &completed);
        self.spare = send(connection, id, completed);
    }
}

/// Tells the server's hook of a call that has failed.
fn tell(server: Option<&Shared>, context: &Context, method: &str, completed: &Completed) {
    if let (Some(server), Some(exception)) = (server, &completed.failure) {
        let method = Some(method).filter(|method| !method.is_empty());
        server.failed(&FailedCall { context, method, exception });
    }
}

fn send(connection: &Connection, id: u32, completed: Completed) -> Vec<u8> {
    let Completed { bytes, failure, sending } = completed;
    let (success, shapes, references) = (failure.is_none(), sending.shapes, sending.references);
    let spare = connection.protocol().answer(id, success, bytes, shapes, references);
    sending.sent();
    spare
}
