//! Connections that have not greeted yet.

use super::stopper::Stopper;
use crate::{Limits, Peer};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

/// The chance of a new one to drive out another one, from [`Limits::newcomers`] on, in percent.
const CHANCE: usize = 30;

/// Those of one server. Somebody who only holds connections open drives out himself: whoever greets at
/// once is seldom the one that is picked.
#[derive(Default)]
pub(super) struct Newcomers {
    waiting: Mutex<Waiting>,
    random: RandomState,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    connections: Vec<Waits>,
}

struct Waits {
    number: u64,
    peer: Peer,
    stopper: Arc<Stopper>,
}

/// A place among them, until this is dropped.
pub(super) struct Newcomer {
    of: Arc<Newcomers>,
    number: u64,
}

impl Newcomers {
    /// One more. Gives the peer whose connection is closed for it, if one is.
    pub(super) fn add(
        self: &Arc<Self>,
        peer: &Peer,
        stopper: &Arc<Stopper>,
        limits: &Limits,
    ) -> (Newcomer, Option<Peer>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.next;
        waiting.next += 1;
        let driven_out = match chance(waiting.connections.len(), limits) {
            0 => None,
            chance => {
                let random = self.random.hash_one(number);
                let place = (random / 100) as usize % waiting.connections.len().max(1);
                let found = random % 100 < chance as u64 && place < waiting.connections.len();
                found.then(|| waiting.connections.swap_remove(place))
            }
        };
        let (peer, stopper) = (peer.clone(), Arc::clone(stopper));
        waiting.connections.push(Waits { number, peer, stopper });
        drop(waiting);
        let driven_out = driven_out.map(|out| {
            out.stopper.stop();
            out.peer
        });
        (Newcomer { of: Arc::clone(self), number }, driven_out)
    }
}

/// The chance in percent where so many wait.
fn chance(waiting: usize, limits: &Limits) -> usize {
    let (from, most) = (limits.newcomers, limits.newcomers_most);
    if waiting >= most {
        return 100;
    }
    match waiting.checked_sub(from) {
        Some(beyond) => CHANCE + (100 - CHANCE) * beyond / (most - from).max(1),
        None => 0,
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let mut waiting = self.of.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.connections.iter().position(|waits| waits.number == self.number);
        if let Some(place) = place {
            waiting.connections.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chance_grows_from_the_first_bound_to_the_second() {
        let limits = Limits { newcomers: 64, newcomers_most: 256, ..Limits::default() };
        let chances = [0, 63, 64, 160, 255, 256, 300].map(|waiting| chance(waiting, &limits));
        assert_eq!(chances, [0, 0, 30, 65, 99, 100, 100]);
        let none = Limits { newcomers: 0, newcomers_most: 0, ..limits };
        assert_eq!(chance(0, &none), 100);
    }

    #[test]
    fn there_are_never_more_than_allowed_and_who_has_greeted_is_left_alone() {
        let limits = Limits { newcomers: 4, newcomers_most: 16, ..Limits::default() };
        let newcomers = Arc::new(Newcomers::default());
        let stoppers: Vec<_> = (0..1000).map(|_| Arc::new(Stopper::default())).collect();
        let mut places = Vec::new();
        let mut driven_out = 0;
        let greeted = newcomers.add(&Peer::Unix, &stoppers[0], &limits);
        assert!(greeted.1.is_none());
        drop(greeted);
        for stopper in &stoppers[1..] {
            let (place, out) = newcomers.add(&Peer::Unix, stopper, &limits);
            places.push(place);
            driven_out += usize::from(out.is_some());
            assert!(newcomers.waiting.lock().unwrap().connections.len() <= 16);
        }
        let stopped = stoppers.iter().filter(|stopper| stopper.stops()).count();
        assert_eq!(stopped, driven_out);
        assert!((983..=995).contains(&stopped), "{stopped}");
        assert!(!stoppers[0].stops(), "it had greeted");
        drop(places);
        assert!(newcomers.waiting.lock().unwrap().connections.is_empty());
    }
}
