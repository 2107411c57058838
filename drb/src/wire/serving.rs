//! The calls of a peer that run.

use super::{
    going_on::{GoesOn, Task, Worker},
    running::{Running, Stop},
};
use crate::{
    Context, Current, Exception, Limit, Limits, ObjectId, Relay, Session, Wire,
    dispatch::{Completed, Dispatch, Invoked, Reply},
    server::{FailedCall, Shared},
};
use drb_core::native::{Called, Connection, Protocol, Target};
use std::{
    hint::cold_path,
    pin::Pin,
    sync::{Arc, MutexGuard},
    task::{self, Poll, Waker},
};

/// What is served over one connection, and the calls that go on.
pub(crate) struct Serving {
    /// `None` for a client, which serves only what it has passed by reference.
    server: Option<Arc<Shared>>,
    context: Context,
    /// References in the calls go through it.
    session: Arc<dyn Session>,
    /// The call that is being served. As long as nobody else holds it, it serves for the next one.
    current: Option<Arc<Current>>,
    running: Arc<Running>,
    /// For the next method that isn't ready at once.
    worker: Option<Arc<Worker>>,
    /// Whether no further calls are taken.
    stopping: bool,
    /// For the answer to the next call.
    reply: Option<Reply>,
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
            current: None,
            session,
            running: Arc::default(),
            worker: None,
            stopping: false,
            reply: None,
        }
    }

    /// Runs a call: in place, if its method is ready at once, else in a task of its own. It gives what the
    /// connection knows, if it has that at its end and nothing else.
    pub(crate) fn call<'a>(
        &mut self,
        connection: &'a Arc<Connection>,
        called: &Called<'_>,
        now: std::time::Instant,
    ) -> Option<MutexGuard<'a, Protocol>> {
        let id = called.id;
        // What waits has been taken.
        if self.stopping && !called.waited {
            cold_path();
            connection.refuse(called);
            let exception = Exception::new("DRb::DRbConnError", "the server is stopping");
            self.refuse(connection, id, exception);
            return None;
        }
        let limits = connection.limits();
        let bytes = weight(called, limits);
        let exceeded = if self.running.count() >= limits.calls {
            Some((Limit::Calls, limits.calls, "the peer runs as many calls as"))
        } else if called.crowded {
            Some((Limit::Outbound, limits.outbound, "more waits to be sent to the peer than"))
        } else if bytes > 0 && self.running.bytes().saturating_add(bytes) > limits.peer_memory {
            Some((
                Limit::PeerMemory,
                limits.peer_memory,
                "the arguments of the peer's calls take more than",
            ))
        } else {
            None
        };
        if let Some((limit, most, what)) = exceeded {
            cold_path();
            connection.refuse(called);
            let name = limit.name();
            let message = format!("{what} the limit `{name}` of {most} allows");
            let exception = Exception::new("DRb::DRbConnError", message).with("limit", name);
            self.refuse(connection, id, exception);
            return None;
        }
        let object = self.object(connection, &called.target, now);
        let until = called.deadline.and_then(|deadline| now.checked_add(deadline));
        let until = called.until.or(until);
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.new_current(),
        };
        match Arc::get_mut(&mut current) {
            Some(own) => own.wait_until(until),
            None => {
                current = self.new_current();
                if let Some(own) = Arc::get_mut(&mut current) {
                    own.wait_until(until);
                }
            }
        }
        let reply = self.reply(connection);
        let entered = current.enter_own();
        let invoked = connection.serve(called, object, &self.context, until, reply);
        let current = entered.leave();
        match invoked {
            Invoked::Done(completed) => {
                self.current = current;
                let protocol = self.answer(connection, id, called.method.name(), completed);
                // What has waited for its object may be the last one that has it.
                return protocol.filter(|_| matches!(called.target, Target::Id(_)));
            }
            Invoked::Running(mut running) => {
                let current = current.unwrap_or_else(|| self.new_current());
                // A method that waits for nothing needs no task. What wakes one that does wakes the task it goes on in.
                let worker = self.worker.take().or_else(|| self.running.worker());
                let waker = worker.as_ref().map_or(Waker::noop(), |worker| worker.waker());
                let mut context = task::Context::from_waker(waker);
                let first = current.enter(|| Pin::new(&mut running).poll(&mut context));
                match first {
                    Poll::Ready(completed) => {
                        self.worker = worker;
                        self.answer(connection, id, called.method.name(), completed);
                    }
                    Poll::Pending => {
                        let worker = worker.unwrap_or_default();
                        let stop = Stop::Worker(Arc::clone(&worker));
                        let call = self.begin(
                            connection,
                            called,
                            running.is_no_cancel(),
                            bytes,
                            Some(stop),
                        );
                        worker.take_on(Task { method: running, current, call });
                    }
                }
            }
            Invoked::Blocking(blocking) => {
                let current = current.unwrap_or_else(|| self.new_current());
                let call = self.begin(connection, called, blocking.is_no_cancel(), bytes, None);
                // Only as long as it has no thread it can be stopped.
                let task = tokio::task::spawn_blocking(move || {
                    let completed = current.enter(|| blocking.run());
                    call.answer(completed);
                });
                self.running.runs(id, Stop::Thread(task.abort_handle()));
            }
        }
        None
    }

    /// The answer to the next call.
    fn reply(&mut self, connection: &Connection) -> Reply {
        self.reply.take().unwrap_or_else(|| {
            Reply::new(Wire::Native, connection.limits(), Some(Arc::clone(&self.session)))
        })
    }

    fn new_current(&self) -> Arc<Current> {
        Arc::new(Current::new(Arc::clone(&self.session)))
    }

    /// A call is not made.
    pub(crate) fn refuse(&mut self, connection: &Arc<Connection>, id: u32, exception: Exception) {
        let refusal = self.reply(connection).refusal(exception);
        self.answer(connection, id, "", refusal);
    }

    /// The caller no longer wants what a call gives.
    pub(crate) fn cancel(&mut self, connection: &Arc<Connection>, id: u32) {
        // If it has been answered, that is all the caller needs.
        if !self.running.cancel(id) {
            return;
        }
        let exception = Exception::new("Timeout::Error", "the call was cancelled");
        let failure = self.reply(connection).failure(exception);
        self.answer(connection, id, "", failure);
    }

    /// Takes no further calls.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    /// Ready when no method runs, that of a cancelled call neither, and all answers are given.
    pub(crate) fn poll_idle(&self, context: &mut task::Context<'_>) -> Poll<()> {
        self.running.poll_idle(context)
    }

    /// What runs, for whoever waits for its end.
    pub(super) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running)
    }

    /// The connection ends because the peer has exceeded a bound.
    pub(super) fn ended_by(&self, limit: Limit) {
        if let Some(server) = &self.server {
            server.refused(self.context.peer(), self.context.identity(), Some(limit));
        }
    }

    /// Nobody waits for anything any more.
    pub(crate) fn end(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.end();
        }
        self.running.end();
    }

    fn object(
        &self,
        connection: &Arc<Connection>,
        target: &Target,
        now: std::time::Instant,
    ) -> Option<Arc<dyn Dispatch>> {
        let id = match target {
            Target::Id(id) => id,
            Target::Object(object) => return Some(Arc::clone(object)),
            Target::Elsewhere(reference) => {
                return Some(Arc::new(Relay::new(connection.home().remote(reference.clone()))));
            }
        };
        match id {
            ObjectId::Slot { .. } => connection.local(&crate::Reference::without_uri(id.clone())),
            id => self.server.as_ref()?.objects.find(id, now),
        }
    }

    /// A call that goes on by itself.
    fn begin(
        &self,
        connection: &Arc<Connection>,
        called: &Called<'_>,
        no_cancel: bool,
        bytes: usize,
        stop: Option<Stop>,
    ) -> GoesOn {
        let mut ticket = self.running.begin(called.id, no_cancel, stop);
        ticket.hold(bytes);
        GoesOn {
            connection: Arc::clone(connection),
            method: Arc::clone(&called.method),
            server: self.server.clone(),
            context: self.context.clone(),
            ticket,
        }
    }

    /// Answers a call; what is given is what [`Connection::answer`] gives.
    fn answer<'a>(
        &mut self,
        connection: &'a Arc<Connection>,
        id: u32,
        method: &str,
        mut completed: Completed,
    ) -> Option<MutexGuard<'a, Protocol>> {
        tell(self.server.as_deref(), &self.context, method, &completed);
        let protocol = connection.answer(id, &mut completed, false);
        self.reply = Some(completed.into_reply());
        protocol
    }
}

/// What the arguments of a call may take in memory while its method runs, if that is much.
fn weight(called: &Called<'_>, limits: &Limits) -> usize {
    /// What is shorter is bounded by the number of calls.
    const MUCH: usize = 64 << 10;
    let (body, tail) = (called.body.len(), called.tail.as_ref().map_or(0, |tail| tail.len()));
    if body.saturating_add(tail) <= MUCH {
        return 0;
    }
    body.saturating_mul(limits.memory_factor).saturating_add(tail).min(limits.memory)
}

/// Tells the server's hook of a call that has failed.
pub(super) fn tell(
    server: Option<&Shared>,
    context: &Context,
    method: &str,
    completed: &Completed,
) {
    if let (Some(server), Some(exception)) = (server, completed.failure()) {
        let method = Some(method).filter(|method| !method.is_empty());
        server.failed(&FailedCall { context, method, exception });
    }
}
