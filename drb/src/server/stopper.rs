//! Tells a connection that its server is stopping.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// What a server shares with one of its connections.
#[derive(Default)]
pub(crate) struct Stopper {
    stopping: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Stopper {
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn stops(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        // Checked under the lock: either this sees that it is over, or `stop` sees the waker.
        if self.stops() {
            return Poll::Ready(());
        }
        match &mut *waker {
            Some(known) => known.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}
