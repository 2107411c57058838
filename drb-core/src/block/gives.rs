//! What a closure may give where a block is to give an `R`.

use super::leave;
use crate::{
    Arg, Dump, DumpError, Dumper, MethodError, Value,
    dispatch::{Completed, Reply},
};
use std::{
    fmt,
    future::{Future, Ready, ready},
    marker::PhantomData,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready as ready_of},
};

/// What a closure gives where a block is to give an `R`, in a call whose result is a `V`:
///
/// - an `R`, in any form in which it can be an argument;
/// - a [`Result`]: its error is the exception that the method sees;
/// - a [`ControlFlow`]: `Break(v)` ends the method and makes `v` the result of the call (Ruby's
///   `break v`), `Continue(r)` is what the block gives (Ruby's `next r`);
/// - a future of one of these.
///
/// `Way` says which of them; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "the block is to give `{R}`, not `{Self}`",
    label = "neither `{R}`, nor a `Result`, a `ControlFlow` or a future of it",
    note = "to leave the method from within the block, give `ControlFlow<{V}, {R}>`",
    note = "the error of a `Result` needs `#[derive(DrbError)]`"
)]
pub trait Yields<R, V, Way> {
    /// The reply in the making.
    type Answer: Future<Output = Completed>;

    /// Makes the reply of it.
    fn answer(self, reply: Reply) -> Self::Answer;
}

/// Stands for what a block is to give where nothing is known of it: whatever can be dumped.
#[derive(Debug)]
pub enum Anything {}

impl<T: Dump> Arg<Anything> for T {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// The value itself.
#[derive(Debug)]
pub enum ByValue {}

/// A [`Result`] of it.
#[derive(Debug)]
pub enum ByResult {}

/// A [`ControlFlow`] with it.
#[derive(Debug)]
pub enum ByFlow {}

/// A future of what `Way` says.
#[derive(Debug)]
pub struct ByFuture<Way>(PhantomData<Way>);

#[diagnostic::do_not_recommend]
impl<T: Arg<R>, R, V> Yields<R, V, ByValue> for T {
    type Answer = Ready<Completed>;

    fn answer(self, reply: Reply) -> Self::Answer {
        ready(reply.success(|dumper| self.dump_arg(dumper)))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Arg<R>, E: MethodError, R, V> Yields<R, V, ByResult> for Result<T, E> {
    type Answer = Ready<Completed>;

    fn answer(self, reply: Reply) -> Self::Answer {
        ready(match self {
            Ok(value) => reply.success(|dumper| value.dump_arg(dumper)),
            Err(error) => reply.failure(error.raise()),
        })
    }
}

#[diagnostic::do_not_recommend]
impl<B: Arg<V>, T: Arg<R>, R, V> Yields<R, V, ByFlow> for ControlFlow<B, T> {
    type Answer = Ready<Completed>;

    fn answer(self, reply: Reply) -> Self::Answer {
        ready(match self {
            Self::Continue(value) => reply.success(|dumper| value.dump_arg(dumper)),
            Self::Break(value) => {
                let dumped = {
                    let dump = |dumper: &mut Dumper<'_>| value.dump_arg(dumper);
                    Value::from_dump_with(reply.session(), dump)
                };
                reply.failure(match dumped {
                    Ok(value) => leave(value),
                    Err(error) => (&error).into(),
                })
            }
        })
    }
}

#[diagnostic::do_not_recommend]
impl<F: Future, R, V, Way> Yields<R, V, ByFuture<Way>> for F
where
    F::Output: Yields<R, V, Way>,
{
    type Answer = Answering<F, <F::Output as Yields<R, V, Way>>::Answer, R, V, Way>;

    fn answer(self, reply: Reply) -> Self::Answer {
        let state = State::Asked(Box::pin(self));
        Answering { state, reply: Some(reply), types: PhantomData }
    }
}

/// A closure's future on its way to the reply.
pub struct Answering<F, A, R, V, Way> {
    state: State<F, A>,
    /// It is there until the future has given what is to be written.
    reply: Option<Reply>,
    types: PhantomData<fn(R, V, Way)>,
}

enum State<F, A> {
    Asked(Pin<Box<F>>),
    Answered(Pin<Box<A>>),
}

/// Nothing of it is pinned where it is.
impl<F, A, R, V, Way> Unpin for Answering<F, A, R, V, Way> {}

impl<F, A, R, V, Way> Future for Answering<F, A, R, V, Way>
where
    F: Future,
    F::Output: Yields<R, V, Way, Answer = A>,
    A: Future<Output = Completed>,
{
    type Output = Completed;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Completed> {
        loop {
            let this = &mut *self;
            match &mut this.state {
                State::Answered(answer) => return answer.as_mut().poll(context),
                State::Asked(future) => {
                    let given = ready_of!(future.as_mut().poll(context));
                    let Some(reply) = this.reply.take() else { return Poll::Pending };
                    this.state = State::Answered(Box::pin(given.answer(reply)));
                }
            }
        }
    }
}

impl<F, A, R, V, Way> fmt::Debug for Answering<F, A, R, V, Way> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}
