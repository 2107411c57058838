//! The turns that the connections of one peer share while there are other peers: with many connections it
//! gets as much done as with a few.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake, Waker},
};

/// Those of one peer. Only so many can be had at a time; who waits for one gets it in the order in which they
/// have asked.
pub(super) struct Turns {
    at_once: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many are taken, those that have ended included.
    taken: usize,
    /// How many have ended, and are not passed on before others have had theirs.
    ended: usize,
    /// The number of who asks next.
    next: u64,
    /// Who waits. Whoever's number is gone has a turn.
    waiting: BTreeMap<u64, Waker>,
}

/// What one gets who asks for a turn.
pub(super) enum Asked {
    Got,
    Waits(u64),
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once, state: Mutex::default() }
    }

    pub(super) fn ask(&self, waker: &Waker) -> Asked {
        let mut state = self.lock();
        if state.taken < self.at_once {
            state.taken += 1;
            return Asked::Got;
        }
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, waker.clone());
        Asked::Waits(number)
    }

    /// Whether who waits has got a turn by now.
    pub(super) fn has_got(&self, number: u64, waker: &Waker) -> bool {
        match self.lock().waiting.get_mut(&number) {
            Some(known) => {
                known.clone_from(waker);
                false
            }
            None => true,
        }
    }

    /// A turn ends. It is passed on when the others have been served whose tasks are ready, or are going to be with
    /// what has arrived meanwhile.
    pub(super) fn end(self: &Arc<Self>) {
        self.lock().ended += 1;
        after_others(&Waker::from(Arc::clone(self)));
    }

    /// Who waits no longer wants a turn, or doesn't need that which they have got.
    pub(super) fn give_up(self: &Arc<Self>, number: u64) {
        let waited = self.lock().waiting.remove(&number).is_some();
        if !waited {
            self.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on the turns that have ended. One call may stand for several.
impl Wake for Turns {
    fn wake(self: Arc<Self>) {
        loop {
            let mut state = self.lock();
            if state.ended == 0 {
                return;
            }
            state.ended -= 1;
            let Some((_, next)) = state.waiting.pop_first() else {
                state.taken -= 1;
                continue;
            };
            drop(state);
            next.wake();
        }
    }
}

/// Wakes when the thread has done what is to be done, and has looked what has arrived since.
pub(crate) fn after_others(waker: &Waker) {
    // This is what the runtime does with a task that yields, and it asks for no more than its waker.
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(waker));
}
