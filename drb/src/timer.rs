//! Deadlines that cost next to nothing as long as they are kept.

use crate::alarm::Alarm;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The time, on the clock of the runtime: where a test has stopped that one, it stands still here, too.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// A timer that belongs to a connection and serves all of its waits, one after the other.
///
/// Each call has a deadline, and nearly no call reaches it. So the bell stays where an earlier wait has
/// set it; only when it goes off is it set to where it has to be by then.
#[derive(Default)]
pub(crate) struct Timer {
    bell: Option<Bell>,
    /// Who is woken when it goes off.
    waker: Option<Waker>,
}

/// What goes off. A timer of the runtime makes each of its waits for events one with an end, which the
/// system then has a timer for, and takes down, with every call.
enum Bell {
    Alarm(Alarm),
    /// Where a test has stopped the clock.
    Runtime(Pin<Box<Sleep>>),
}

impl Timer {
    /// Ready when `until` is past.
    pub(crate) fn poll(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let is_set = self.bell.as_ref().is_some_and(|bell| bell.is_set_by(until));
        if is_set && self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            // It has not gone off, and nothing about it has changed.
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        if is_set
            && let Some(Bell::Alarm(alarm)) = &self.bell
            && alarm.wakes(context.waker())
        {
            return Poll::Pending;
        }
        if Instant::now() >= until {
            self.bell = None;
            return Poll::Ready(());
        }
        if let Some(alarm) = Alarm::set(until, context.waker()) {
            self.bell = Some(Bell::Alarm(alarm));
            return Poll::Pending;
        }
        let mut sleep = Box::pin(sleep_until(until));
        let rung = sleep.as_mut().poll(context);
        self.bell = Some(Bell::Runtime(sleep));
        rung
    }

    /// Whether it goes off, but hasn't by now.
    pub(crate) fn is_ahead(&self, now: Instant) -> bool {
        self.bell.as_ref().is_some_and(|bell| now < bell.at())
    }

    /// What the work gives, if it does by then. It is tried once however late it is. It has its place where this is
    /// awaited: handed over as it is, it would take that room twice.
    pub(crate) async fn by<T>(
        &mut self,
        until: Instant,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, TimedOut> {
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => self.poll(until, context).map(|()| Err(TimedOut)),
        })
        .await
    }
}

impl Bell {
    fn at(&self) -> Instant {
        match self {
            Self::Alarm(alarm) => alarm.at().into(),
            Self::Runtime(sleep) => sleep.deadline(),
        }
    }

    /// Whether it is going to go off by then.
    fn is_set_by(&self, until: Instant) -> bool {
        let has_rung = match self {
            Self::Alarm(alarm) => alarm.has_rung(),
            Self::Runtime(sleep) => sleep.is_elapsed(),
        };
        self.at() <= until && !has_rung
    }
}

/// Waits until then.
pub(crate) async fn until(at: Instant) {
    let mut timer = Timer::default();
    poll_fn(|context| timer.poll(at, context)).await;
}

/// The time is up.
pub(crate) struct TimedOut;
