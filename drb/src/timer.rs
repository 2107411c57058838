//! Deadlines that cost next to nothing as long as they are kept.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The time, on the clock of the runtime: where a test has stopped that one, it stands still here, too.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// A timer that belongs to a connection and serves all of its waits, one after the other.
///
/// Each call has a deadline, and nearly no call reaches it. So the timer of the runtime stays where
/// an earlier wait has set it; only when it goes off is it set to where it has to be by then.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// Who is woken when it goes off.
    waker: Option<Waker>,
}

impl Timer {
    /// Ready when `until` is past.
    pub(crate) fn poll(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() > until {
            sleep.as_mut().reset(until);
        } else if !sleep.is_elapsed()
            && self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker()))
        {
            // It has not gone off, and nothing about it has changed.
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        loop {
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until);
        }
    }
}
