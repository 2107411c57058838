//! The connections that are open.

use super::seats::Seat;
use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};
use tokio::task::JoinHandle;

/// Those of one server.
#[derive(Default)]
pub(super) struct Open(Mutex<State>);

#[derive(Default)]
struct State {
    /// By their numbers, in the order in which they came.
    connections: BTreeMap<u64, Connected>,
    next: u64,
    /// Whoever waits until there are fewer.
    waker: Option<Waker>,
}

struct Connected {
    seat: Arc<Seat>,
    /// `None` until it is known.
    task: Option<JoinHandle<()>>,
}

/// A connection is open until this is dropped, after all else that belongs to it.
pub(super) struct Place {
    of: Arc<Open>,
    pub(super) number: u64,
}

impl Open {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().connections.len()
    }

    /// One more.
    pub(super) fn add(self: &Arc<Self>, seat: &Arc<Seat>) -> Place {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.connections.insert(number, Connected { seat: Arc::clone(seat), task: None });
        Place { of: Arc::clone(self), number }
    }

    /// Says which task runs a connection.
    pub(super) fn runs(&self, number: u64, task: JoinHandle<()>) {
        // It may have ended already.
        if let Some(connected) = self.lock().connections.get_mut(&number) {
            connected.task = Some(task);
        }
    }

    /// Tells all of them that the server is stopping, in the order in which they came.
    pub(super) fn stop(&self) {
        let state = self.lock();
        let seats: Vec<_> = state.connections.values().map(|open| Arc::clone(&open.seat)).collect();
        drop(state);
        seats.iter().for_each(|seat| seat.stopper.stop());
    }

    /// Cuts all of them off.
    pub(super) fn abort(&self) {
        let mut state = self.lock();
        let tasks: Vec<_> =
            state.connections.values_mut().filter_map(|connected| connected.task.take()).collect();
        drop(state);
        // A task that is dropped here gives its place up, which locks this.
        tasks.into_iter().for_each(|task| task.abort());
    }

    /// Waits until there are no more than `most` of them, as that is by then.
    pub(super) async fn fewer(&self, most: impl Fn() -> usize) {
        poll_fn(|context| {
            let mut state = self.lock();
            if state.connections.len() <= most() {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.of.lock();
        let connected = state.connections.remove(&self.number);
        let waker = state.waker.take();
        drop(state);
        drop(connected);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, Peer, server::seats::Seats};

    #[tokio::test]
    async fn connections_count_until_their_places_are_dropped() {
        let (open, seats) = (Arc::new(Open::default()), Arc::new(Seats::new()));
        let seat = || seats.take(&Peer::Unix, || Identity::Anonymous, usize::MAX).unwrap();
        let (first, second) = (seat(), seat());
        let (place, other) = (open.add(&first), open.add(&second));
        let number = place.number;
        let task = tokio::spawn(async move {
            let _place = place;
            std::future::pending::<()>().await;
        });
        open.runs(number, task);
        drop(other);
        assert_eq!(open.len(), 1);
        open.stop();
        assert!(first.stopper.stops() && !second.stopper.stops());
        open.abort();
        open.fewer(|| 0).await;
        assert_eq!(open.len(), 0);
    }
}
