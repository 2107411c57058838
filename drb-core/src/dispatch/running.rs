//! Calls that go on for a while, and what a panic in one becomes.

use super::{Completed, Dispatch, Incoming, Invoked, Reply, builtin};
use crate::{Current, Exception, Wire, block::Scope};
use std::{
    any::Any,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Makes a call, with [`call`] at its end. A panic in it becomes the failure of this call alone.
///
/// All of a call is made in here, since it is large: what goes into a closure is moved.
pub(crate) fn caught(wire: Wire, call: impl FnOnce() -> Invoked) -> Invoked {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Invoked::Done(panicked(&*panic, wire)))
}

/// Calls a method of an object: one of its whitelist, or one that every object has.
pub(crate) fn call(object: Arc<dyn Dispatch>, call: &mut Incoming<'_>) -> Invoked {
    match call.find(&*object) {
        Some(index) if deadlocks(&object, index) => call.refuse(deadlock(object.class())),
        Some(index) => object.invoke(index, call),
        None => builtin::call(&*object, call),
    }
}

/// Whether the call would wait for one that waits for it: for one of the same chain that is at the same
/// object. (That is only known within a process.)
fn deadlocks(object: &Arc<dyn Dispatch>, index: usize) -> bool {
    Current::comes_back_to(Arc::as_ptr(object).addr())
        && object.method(index).is_some_and(|method| object.waits(method))
}

/// What Ruby says of a Mutex that is locked a second time.
fn deadlock(class: &str) -> Exception {
    let message = format!(
        "deadlock: the call comes back to a {class} that an earlier call of its chain is still at, and \
         one of the two methods takes `&mut self`"
    );
    Exception::new("ThreadError", message)
}

/// A method that is under way. It can be dropped at any time, but is not to be where it says
/// [`no_cancel`](Running::is_no_cancel).
pub struct Running {
    method: Pin<Box<dyn Future<Output = Completed> + Send>>,
    wire: Wire,
    /// The call, as the block that was passed to it sees it.
    scope: Option<Arc<Scope>>,
    /// Whether it is to run to its end.
    pub(super) no_cancel: bool,
}

impl Running {
    pub(super) fn new(
        method: Pin<Box<dyn Future<Output = Completed> + Send>>,
        wire: Wire,
        scope: Option<Arc<Scope>>,
    ) -> Self {
        Self { method, wire, scope, no_cancel: false }
    }

    /// Whether it is to run to its end, even if its caller no longer waits for it.
    pub fn is_no_cancel(&self) -> bool {
        self.no_cancel
    }

    /// The method has ended: its block is over.
    fn end(&self) {
        if let Some(scope) = &self.scope {
            scope.end();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

impl Future for Running {
    type Output = Completed;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Completed> {
        let poll = AssertUnwindSafe(|| self.method.as_mut().poll(context));
        let polled = match catch_unwind(poll) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(panicked(&*panic, self.wire)),
        };
        match (polled, &self.scope) {
            (Poll::Pending, Some(scope)) => {
                let completed = ready!(scope.poll_left(context));
                // The block has left the method, which ends where it waits.
                self.method = Box::pin(std::future::pending());
                self.end();
                Poll::Ready(completed)
            }
            (polled, _) => polled,
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

/// A method that is to be run on a thread where it may block.
pub struct Blocking {
    method: Box<dyn FnOnce() -> Completed + Send>,
    wire: Wire,
    /// Whether it is to run, whoever waits.
    pub(super) no_cancel: bool,
}

impl Blocking {
    pub(super) fn new(method: Box<dyn FnOnce() -> Completed + Send>, wire: Wire) -> Self {
        Self { method, wire, no_cancel: false }
    }

    /// Whether it is to run, even if its caller no longer waits before it has begun.
    pub fn is_no_cancel(&self) -> bool {
        self.no_cancel
    }

    /// Runs it.
    pub fn run(self) -> Completed {
        catch_unwind(AssertUnwindSafe(self.method))
            .unwrap_or_else(|panic| panicked(&*panic, self.wire))
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// The reply that the method was writing is lost; this is another one.
fn panicked(panic: &(dyn Any + Send), wire: Wire) -> Completed {
    Reply::new(wire, &Arc::default(), None).failure(panic_of(panic))
}

/// What a caller is told of a panic.
pub(crate) fn panic_of(panic: &(dyn Any + Send)) -> Exception {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => *message,
        (None, Some(message)) => message,
        (None, None) => "a panic without a message",
    };
    Exception::remote("Panic", message)
}
