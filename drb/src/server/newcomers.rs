//! Connections that have not greeted yet.

use super::seats::Seat;
use crate::{Limits, Peer};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The chance of a new one to drive out another one, from [`Limits::newcomers`] on, in percent.
const CHANCE: usize = 30;

/// Who has come less than this ago is driven out only if nobody else can be: many clients that start at
/// once have had no time to say anything.
const GRACE: Duration = Duration::from_secs(1);

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
    since: Instant,
    peer: Peer,
    seat: Arc<Seat>,
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
        seat: &Arc<Seat>,
        limits: &Limits,
        now: Instant,
    ) -> (Newcomer, Option<Peer>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.next;
        waiting.next += 1;
        let driven_out = match chance(waiting.connections.len(), limits) {
            0 => None,
            chance => {
                let random = self.random.hash_one(number);
                let goes = random % 100 < chance as u64;
                let place = waiting.pick((random / 100) as usize, chance == 100, now);
                place.filter(|_| goes).map(|place| waiting.connections.swap_remove(place))
            }
        };
        let (since, peer, seat) = (now, peer.clone(), Arc::clone(seat));
        waiting.connections.push(Waits { number, since, peer, seat });
        drop(waiting);
        let driven_out = driven_out.map(|out| {
            out.seat.stopper.make_room();
            out.peer
        });
        (Newcomer { of: Arc::clone(self), number }, driven_out)
    }
}

impl Waiting {
    /// The place of one that may be driven out: of those that have had their time, else, if it has to be one,
    /// of all.
    fn pick(&self, random: usize, has_to_be: bool, now: Instant) -> Option<usize> {
        let is_due = |waits: &Waits| now.saturating_duration_since(waits.since) >= GRACE;
        let places = self.connections.iter().enumerate().filter(|(_, waits)| is_due(waits));
        let due: Vec<usize> = places.map(|(place, _)| place).collect();
        match (due.len(), self.connections.len()) {
            (0, 0) => None,
            (0, all) => has_to_be.then_some(random % all),
            (count, _) => due.get(random % count).copied(),
        }
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
    use crate::{Identity, server::seats::Seats};

    fn seats(count: usize) -> Vec<Arc<Seat>> {
        let seats = Arc::new(Seats::new());
        let seat = || seats.take(&Peer::Unix, || Identity::Anonymous, count);
        (0..count).filter_map(|_| seat()).collect()
    }

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
        let seats = seats(1000);
        let mut places = Vec::new();
        let mut driven_out = 0;
        let greeted = newcomers.add(&Peer::Unix, &seats[0], &limits, Instant::now());
        assert!(greeted.1.is_none());
        drop(greeted);
        for seat in &seats[1..] {
            let (place, out) = newcomers.add(&Peer::Unix, seat, &limits, Instant::now());
            places.push(place);
            driven_out += usize::from(out.is_some());
            assert!(newcomers.waiting.lock().unwrap().connections.len() <= 16);
        }
        let stopped = seats.iter().filter(|seat| seat.stopper.makes_room()).count();
        assert_eq!(stopped, driven_out);
        assert!((983..=995).contains(&stopped), "{stopped}");
        assert!(!seats[0].stopper.makes_room(), "it had greeted");
        drop(places);
        assert!(newcomers.waiting.lock().unwrap().connections.is_empty());
    }

    #[test]
    fn many_that_come_at_once_are_all_let_in_and_who_stays_silent_goes_first() {
        let (limits, newcomers) = (Limits::default(), Arc::new(Newcomers::default()));
        let begun = Instant::now();
        let mut places = Vec::new();
        let mut seats = seats(300).into_iter();
        let mut add = |now| {
            let seat = seats.next().unwrap();
            let (place, out) = newcomers.add(&Peer::Unix, &seat, &limits, now);
            places.push(place);
            (seat, out.is_some())
        };
        let silent: Vec<_> = (0..200).map(|_| add(begun)).collect();
        assert!(silent.iter().all(|(_, driven_out)| !driven_out));
        let late: Vec<_> = (0..100).map(|_| add(begun + GRACE)).collect();
        let driven_out = late.iter().filter(|(_, driven_out)| *driven_out).count();
        assert!(driven_out > 0);
        assert_eq!(silent.iter().filter(|(seat, _)| seat.stopper.makes_room()).count(), driven_out);
        assert!(late.iter().all(|(seat, _)| !seat.stopper.makes_room()));
    }
}
