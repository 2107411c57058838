//! Where a stream gives its items: to whoever asks for them.

use super::batch::{self, Filling, Next};
use crate::{
    Exception, MethodError, Outgoing, Returns, Session,
    dispatch::{Completed, Reply, panic_of},
};
use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

/// What a method's stream is run with. The code that `#[drb::service]` makes calls it, within the future
/// that owns all that the stream borrows.
#[derive(Debug)]
pub struct Outlet(Arc<Slot>);

/// What passes between whoever asks and the future that runs the stream. It is asked and polled in turn,
/// so that the one leaves here what the other finds.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Exchange>);

#[derive(Default)]
pub(super) enum Exchange {
    #[default]
    Nothing,
    /// Whether there is a stream, or the method has failed.
    Begun(Result<(), Exception>),
    Asked(Ask),
    Got(Got),
}

/// What a stream is asked for, and where it goes.
pub(super) enum Ask {
    /// At most so many items.
    Batch(Reply, usize),
    /// One, as the result of a call.
    One(Reply),
    /// One, as the argument of a block.
    Yield(Outgoing),
}

/// What a stream has given.
pub(super) enum Got {
    /// A reply.
    Replied(Completed),
    /// The call of a block.
    Yielded(Outgoing),
    /// In place of an item for a block.
    Raised(Exception),
    /// No more items for a block.
    Over,
}

impl Outlet {
    pub(super) fn new() -> (Self, Arc<Slot>) {
        let slot = Arc::<Slot>::default();
        (Self(Arc::clone(&slot)), slot)
    }

    /// Runs the stream to its end.
    pub(crate) async fn stream<S>(self, stream: S)
    where
        S: futures_core::Stream<Item: Returns>,
    {
        self.0.begin(Ok(()));
        let mut stream = pin!(stream);
        poll_fn(|context| self.0.serve(stream.as_mut(), context)).await;
    }

    /// The same for a method that may have failed.
    pub(crate) async fn result<S, E>(self, result: Result<S, E>)
    where
        S: futures_core::Stream<Item: Returns>,
        E: MethodError,
    {
        match result {
            Ok(stream) => self.stream(stream).await,
            Err(error) => self.0.begin(Err(error.raise())),
        }
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether there is a stream, unless it is known and asked for something.
    fn begin(&self, begun: Result<(), Exception>) {
        let mut exchange = self.lock();
        if let Exchange::Nothing = *exchange {
            *exchange = Exchange::Begun(begun);
        }
    }

    /// Whether the method has given its stream, once that is known.
    pub(super) fn take_begun(&self) -> Option<Result<(), Exception>> {
        let mut exchange = self.lock();
        match std::mem::take(&mut *exchange) {
            Exchange::Begun(begun) => Some(begun),
            other => {
                *exchange = other;
                None
            }
        }
    }

    pub(super) fn ask(&self, ask: Ask) {
        *self.lock() = Exchange::Asked(ask);
    }

    /// What has become of what was asked: an answer, or it is still to come.
    pub(super) fn take(&self) -> Exchange {
        std::mem::take(&mut *self.lock())
    }

    fn take_asked(&self) -> Option<Ask> {
        let mut exchange = self.lock();
        match std::mem::take(&mut *exchange) {
            Exchange::Asked(ask) => Some(ask),
            other => {
                *exchange = other;
                None
            }
        }
    }

    /// Gives what is asked for. Ready at the end of the stream.
    fn serve<S>(&self, mut stream: Pin<&mut S>, context: &mut Context<'_>) -> Poll<()>
    where
        S: futures_core::Stream<Item: Returns>,
    {
        let Some(ask) = self.take_asked() else { return Poll::Pending };
        let began = batch::now(ask.session());
        let item = match poll_next(stream.as_mut(), context) {
            Poll::Pending => {
                *self.lock() = Exchange::Asked(ask);
                return Poll::Pending;
            }
            Poll::Ready(item) => item,
        };
        let (got, over) = match (item, ask) {
            (Ok(Some(item)), Ask::Batch(reply, most)) => {
                let (completed, over) = fill(stream, item, reply, (most, began), context);
                (Got::Replied(completed), over)
            }
            (Ok(Some(item)), Ask::One(reply)) => (Got::Replied(item.returned(reply)), false),
            (Ok(Some(item)), Ask::Yield(mut call)) => match item.outcome() {
                Ok(item) => {
                    call.yields(item, true);
                    (Got::Yielded(call), false)
                }
                Err(exception) => (Got::Raised(exception), false),
            },
            (Ok(None), ask) => (ask.ended(), true),
            (Err(panic), ask) => (ask.raised(panic), true),
        };
        *self.lock() = Exchange::Got(got);
        if over { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Ask {
    /// That of whoever asks.
    fn session(&self) -> Option<&dyn Session> {
        match self {
            Self::Batch(reply, _) | Self::One(reply) => reply.session(),
            Self::Yield(_) => None,
        }
    }

    /// There are no more items.
    pub(super) fn ended(self) -> Got {
        match self {
            Self::Batch(reply, _) => Got::Replied(batch::empty(reply)),
            Self::One(reply) => {
                let end = Exception::new("StopIteration", "iteration reached an end");
                Got::Replied(reply.failure(end))
            }
            Self::Yield(_) => Got::Over,
        }
    }

    fn raised(self, exception: Exception) -> Got {
        match self {
            Self::Batch(reply, _) => Got::Replied(batch::raised(reply, exception)),
            Self::One(reply) => Got::Replied(reply.failure(exception)),
            Self::Yield(_) => Got::Raised(exception),
        }
    }
}

/// The next item; an exception if the stream has panicked.
#[inline]
fn poll_next<S: futures_core::Stream>(
    stream: Pin<&mut S>,
    context: &mut Context<'_>,
) -> Poll<Result<Option<S::Item>, Exception>> {
    match catch_unwind(AssertUnwindSafe(|| stream.poll_next(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic_of(&*panic))),
    }
}

/// Writes the items that are ready into the reply, as far as they fit. Says whether the stream is over.
fn fill<S>(
    mut stream: Pin<&mut S>,
    first: S::Item,
    reply: Reply,
    bounds: (usize, Instant),
    context: &mut Context<'_>,
) -> (Completed, bool)
where
    S: futures_core::Stream<Item: Returns>,
{
    let mut over = false;
    let limits = *reply.limits();
    let completed = reply.success(|dumper| {
        let mut batch = Filling::new(dumper, &limits, bounds)?;
        let mut item = first;
        loop {
            match item.outcome() {
                Ok(value) => match batch.item(value) {
                    Ok(()) => {}
                    Err(failed) if failed.item => return batch.raise((&failed.error).into()),
                    Err(failed) => return Err(failed.error),
                },
                Err(exception) => return batch.raise(exception),
            }
            if batch.is_full() {
                break;
            }
            item = match poll_next(stream.as_mut(), context) {
                Poll::Ready(Ok(Some(next))) => next,
                Poll::Ready(Ok(None)) => {
                    over = true;
                    batch.end(Next::End);
                    return Ok(());
                }
                Poll::Ready(Err(panic)) => {
                    over = true;
                    return batch.raise(panic);
                }
                Poll::Pending => break,
            };
        }
        batch.end(Next::More);
        Ok(())
    });
    (completed, over)
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Begun(_) => "Begun",
            Self::Asked(_) => "Asked",
            Self::Got(_) => "Got",
        })
    }
}
