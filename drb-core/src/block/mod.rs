//! Blocks: a piece of the caller's code that a method calls, as Ruby's `{ |a, b| … }`.
//!
//! The caller's side is [`Yielding`]: it lends an object with the method `call` for as long as the
//! call lasts, and runs the closure in the task that awaits the call. The method's side is
//! [`Block`]: it calls that object.

mod args;
mod driver;
mod gives;
mod scope;

pub use args::{Takes, Whole, YieldArgs, Yielded};
pub(crate) use driver::BLOCK_ENDED;
pub use driver::{Driver, NoBlock, Yielding};
pub use gives::{Answering, Anything, ByFlow, ByFuture, ByResult, ByValue, Yields};
pub(crate) use scope::Scope;

use crate::{Call, Error, Exception, Load, Loaded, Outgoing, Remote, Symbol, Value};
use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

/// The block that a caller has passed to a method: `{ |a, b| … }` in Ruby, a closure in Rust.
///
/// `A` is the tuple of what the method gives to it with each call (or a `Vec<T>`, for any number),
/// `R` what it gives back. Where a method takes an `Option<Block<…>>`, the caller may pass none.
///
/// ```ignore
/// #[drb::service]
/// impl Store {
///     pub async fn each(&self, block: Block<(String, u64)>) -> drb::Result<()> {
///         for (key, value) in self.entries() {
///             block.call((key, value)).await?;
///         }
///         Ok(())
///     }
/// }
///
/// store.each(|key, value| println!("{key}: {value}")).await?;
/// ```
///
/// The method needn't care how the block ends. What it raises is an error here, which `?` passes on.
/// A `break` ends the method where it awaits the block: what the method holds is dropped (Ruby runs
/// its `ensure`), and its caller gets what the block has left with.
///
/// A block lives as long as the call that it was passed to: after that, calling it is
/// [`Error::BlockEnded`]. Clones are the same block.
pub struct Block<A = (), R = ()> {
    remote: Remote,
    scope: Arc<Scope>,
    types: PhantomData<fn(A) -> R>,
}

impl<A: YieldArgs, R: Load> Block<A, R> {
    pub(crate) fn new(remote: Remote, scope: Arc<Scope>) -> Self {
        Self { remote, scope, types: PhantomData }
    }

    /// Calls the block and waits for what it gives (Ruby: `yield`).
    ///
    /// # Errors
    /// What a call can fail with; [`Error::Raised`] for an exception in the block;
    /// [`Error::BlockEnded`] after the call that the block was passed to.
    pub fn call(&self, arguments: A) -> Yield<R> {
        let mut call = self.remote.begin("call", arguments.count());
        arguments.write(&mut call);
        Yield { call: call.call(), scope: Arc::clone(&self.scope) }
    }
}

impl<A, R> Block<A, R> {
    /// A call with one argument, which is still to be written.
    pub(crate) fn begin(&self) -> Outgoing {
        self.remote.begin("call", 1)
    }

    pub(crate) fn end(&self, call: Outgoing) -> Yield<R> {
        Yield { call: call.call(), scope: Arc::clone(&self.scope) }
    }
}

impl<A, R> Clone for Block<A, R> {
    fn clone(&self) -> Self {
        let (remote, scope) = (self.remote.clone(), Arc::clone(&self.scope));
        Self { remote, scope, types: PhantomData }
    }
}

impl<A, R> fmt::Debug for Block<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Block").field(self.remote.reference()).finish()
    }
}

/// A call of a [`Block`]. It is sent when it is first polled.
#[must_use = "the block is only called when this is awaited"]
pub struct Yield<R> {
    call: Call<Loaded<R>>,
    scope: Arc<Scope>,
}

impl<R> Yield<R> {
    /// Gives the block this long, instead of [`Limits::deadline`](crate::Limits::deadline).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.call = self.call.deadline(deadline);
        self
    }

    /// Lets the block take as long as it likes.
    pub fn no_deadline(mut self) -> Self {
        self.call = self.call.no_deadline();
        self
    }
}

impl<R: Load> Future for Yield<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.scope.is_over() {
            return Poll::Ready(Err(Error::BlockEnded));
        }
        match ready!(Pin::new(&mut self.call).poll(context)) {
            Err(Error::Raised(exception)) if is_break(&exception) => {
                // Whoever runs the method drops it now; see `Running`.
                self.scope.leave(exception.field("exit_value").cloned().unwrap_or(Value::Nil));
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }
}

/// Ruby's `break` travels as the error that it would be without a method around it.
fn is_break(exception: &Exception) -> bool {
    exception.class == "LocalJumpError"
        && matches!(exception.field("reason"), Some(Value::Symbol(reason)) if reason.as_str() == "break")
}

/// The other direction: leaving the method from within a closure.
fn leave(value: Value) -> Exception {
    Exception::new("LocalJumpError", "break from proc-closure")
        .with("exit_value", value)
        .with("reason", Symbol::from("break"))
}
