//! Tells a connection that its server is stopping, or that others need its place if it says nothing.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// What a server shares with one of its connections.
#[derive(Default)]
pub(crate) struct Stopper {
    state: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

/// It is to go if it hasn't said anything.
const MAKES_ROOM: u8 = 1;
/// It is to end.
const STOPS: u8 = 2;

impl Stopper {
    pub(super) fn stop(&self) {
        self.tell(STOPS);
    }

    pub(super) fn make_room(&self) {
        self.tell(MAKES_ROOM);
    }

    fn tell(&self, state: u8) {
        self.state.fetch_max(state, Ordering::Release);
        // It stays, since who is told to make room, and has said something meanwhile, is still to be told to stop.
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn stops(&self) -> bool {
        self.state.load(Ordering::Acquire) == STOPS
    }

    pub(super) fn makes_room(&self) -> bool {
        self.state.load(Ordering::Acquire) > 0
    }

    /// Ready when the connection is to end.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        self.poll_until(context, Self::stops)
    }

    /// Ready when a connection is to end that hasn't said anything yet.
    pub(super) fn poll_silent(&self, context: &Context<'_>) -> Poll<()> {
        self.poll_until(context, Self::makes_room)
    }

    fn poll_until(&self, context: &Context<'_>, is_so: impl Fn(&Self) -> bool) -> Poll<()> {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        // Checked under the lock: either this sees that it is over, or `stop` sees the waker.
        if is_so(self) {
            return Poll::Ready(());
        }
        match &mut *waker {
            Some(known) => known.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{Arc, atomic::AtomicUsize},
        task::Wake,
    };

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_was_told_to_make_room_and_stays_is_told_to_stop() {
        let (stopper, woken) = (Stopper::default(), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        assert!(stopper.poll(&Context::from_waker(&waker)).is_pending());
        stopper.make_room();
        stopper.stop();
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert!(stopper.stops());
    }
}
