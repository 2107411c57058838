//! One call within the process, from its request to its response.

use super::{LocalLink, LocalSession, calls::Ticket, objects};
use crate::{
    Current, Error, Exception, Limit, LoadErrorKind, Outcome, Request, Response, Session,
    dispatch::{Blocking, Completed, Invoked, Running},
    server::{FailedCall, Shared},
    timer::now,
};
use drb_core::{
    Carrier,
    native::{Asking, Method, Within},
};
use std::{
    any::Any,
    future::{Future, poll_fn},
    io::{self, ErrorKind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinHandle, coop, spawn_blocking},
    time::sleep_until,
};

/// Calls the method in the task of the caller: what is ready at once is done before anything waits.
pub(super) async fn call(link: Arc<LocalLink>, request: Request) -> Result<Response, Error> {
    let begun = now();
    let after = request.time_left(begun)?;
    let until = after.and_then(|after| begun.checked_add(after));
    let Request { bytes, native, session: caller, .. } = request;
    let server = link.server()?;
    let Some(native) = native else {
        let problem = "a request of another wire".to_owned();
        return Err(Error::Protocol { uri: Arc::clone(&server.uri), problem });
    };
    // What is sent holds nothing: the session does.
    let Asking { method, count, block, mut sending, .. } = native;
    let signature = method.signature();
    let served = link.is_served();
    let ticket = served.then(|| Ticket::new(&server));
    if served && server.has_ended() {
        return Err(Error::Stopped);
    }
    let mut pending =
        Pending { server: Arc::clone(&server), served, method, until, after, told: false };
    if let Some(Err(exception)) = ticket.as_ref().map(Ticket::check) {
        return Err(pending.refused(exception));
    }
    let own = Arc::new(LocalSession::new(Arc::clone(&server), server.client.clone(), true));
    let session: Arc<dyn Session> = Arc::clone(&own) as _;
    let mut current = match Current::next(Arc::clone(&session), server.limits.recursion) {
        Ok(current) => current,
        Err(exception) => return Err(pending.refused(exception)),
    };
    current.wait_until(until);
    let current = Arc::new(current);
    let within = Within {
        method: pending.method.name(),
        signature,
        count,
        body: &bytes,
        tail: sending.take_tail(),
        held: caller.as_deref().and_then(LocalSession::of).and_then(LocalSession::take_held),
        block: block.map(|block| own.remote(objects::block(block))),
        context: &server.local.context,
        until,
        session: &session,
        tables: objects::tables(),
        limits: &server.limits,
    };
    let object = link.object(&server);
    let invoked = current.enter(|| within.serve(object));
    drop(bytes);
    let mut completed = match invoked {
        Invoked::Done(completed) => {
            drop(ticket);
            completed
        }
        Invoked::Running(running) => pending.run(running, current, ticket).await?,
        Invoked::Blocking(blocking) => pending.block(blocking, current, ticket).await?,
    };
    pending.ended(completed.failure());
    // Whoever makes one call after the other lets others run now and then.
    coop::consume_budget().await;
    let success = completed.failure().is_none();
    let (bytes, sending) = completed.message();
    let (bytes, tail) = (std::mem::take(bytes), sending.take_tail());
    let held = own.take_held().unwrap_or_default();
    let carrier = Carrier::Other(Arc::clone(&link.limits), caller);
    let body = 0..bytes.len();
    let response = Response { bytes, body, success, signature, carrier, held, tail };
    let max = link.limits.message;
    if response.size() > max {
        return Err(Error::Load(LoadErrorKind::Limit { limit: Limit::Message, max }.into()));
    }
    Ok(response)
}

impl LocalSession {
    pub(super) fn of(session: &dyn Session) -> Option<&Self> {
        let session: &dyn Any = session;
        session.downcast_ref()
    }
}

/// A call whose method goes on. Dropping it cancels the call.
struct Pending {
    server: Arc<Shared>,
    /// Whether the server serves it, and so has to know of its failure.
    served: bool,
    method: Method,
    until: Option<Instant>,
    after: Option<Duration>,
    /// Whether it has ended.
    told: bool,
}

impl Pending {
    /// Goes on with a method, in the caller's task.
    async fn run(
        &mut self,
        mut running: Running,
        current: Arc<Current>,
        ticket: Option<Ticket>,
    ) -> Result<Completed, Error> {
        let no_cancel = running.is_no_cancel();
        let mut method = Box::pin(async move {
            // It is dropped after the method.
            let _ticket = ticket;
            poll_fn(move |context| current.enter(|| Pin::new(&mut running).poll(context))).await
        });
        let first = poll_fn(|context| Poll::Ready(method.as_mut().poll(context))).await;
        if let Poll::Ready(completed) = first {
            return Ok(completed);
        }
        if !no_cancel {
            return self.wait(method).await;
        }
        // Whoever waits for it may go.
        let server = Arc::clone(&self.server);
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                completed = method => Some(completed),
                () = server.aborted() => None,
            }
        });
        let completed = self.wait(task).await?;
        completed.ok().flatten().ok_or_else(|| self.lost())
    }

    /// Runs a method on a thread where it may block.
    async fn block(
        &mut self,
        blocking: Blocking,
        current: Arc<Current>,
        ticket: Option<Ticket>,
    ) -> Result<Completed, Error> {
        if let Err(error) = Handle::try_current() {
            let (uri, source) = (Arc::clone(&self.server.uri), Arc::new(io::Error::other(error)));
            self.told = true;
            return Err(Error::Connect { uri, source });
        }
        let no_cancel = blocking.is_no_cancel();
        let thread: JoinHandle<Completed> = spawn_blocking(move || {
            let completed = current.enter(|| blocking.run());
            drop(ticket);
            completed
        });
        // Only as long as it has no thread it can be stopped.
        let _stopped = (!no_cancel).then(|| Stopped(thread.abort_handle()));
        self.wait(thread).await?.map_err(|_| self.lost())
    }

    /// Waits for what goes on, until the deadline or the end of the server.
    async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        // Without a runtime there is no clock.
        if Handle::try_current().is_err() {
            return Ok(work.await);
        }
        let mut work = pin!(work);
        let deadline = async {
            match self.until {
                Some(until) => sleep_until(until.into()).await,
                None => std::future::pending().await,
            }
        };
        let aborted = async {
            match self.served {
                true => self.server.aborted().await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // Before what the method makes of the same deadline in a call of its own.
            () = deadline => {
                let (after, outcome) = (self.after.unwrap_or_default(), Outcome::Unknown);
                Err(Error::DeadlineExceeded { after, outcome })
            }
            done = &mut work => Ok(done),
            () = aborted => Err(self.lost()),
        }
    }

    /// The method is not called.
    fn refused(&mut self, exception: Exception) -> Error {
        self.ended(Some(&exception));
        Error::from_exception(exception)
    }

    fn lost(&self) -> Error {
        let source = io::Error::new(ErrorKind::UnexpectedEof, "the server has ended");
        let (uri, outcome) = (Arc::clone(&self.server.uri), Outcome::Unknown);
        Error::ConnectionLost { uri, outcome, source: Arc::new(source) }
    }

    /// Tells the server's hook if the call has failed.
    fn ended(&mut self, failure: Option<&Exception>) {
        self.told = true;
        if let (true, Some(exception)) = (self.served, failure) {
            let (context, method) = (&self.server.local.context, Some(self.method.name()));
            let method = method.filter(|method| !method.is_empty());
            self.server.failed(&FailedCall { context, method, exception });
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.told {
            self.ended(Some(&Exception::new("Timeout::Error", "the call was cancelled")));
        }
    }
}

/// A thread that is not to be begun for a call that nobody waits for.
struct Stopped(AbortHandle);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.abort();
    }
}
