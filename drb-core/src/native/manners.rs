//! What costs a peer next to nothing, and this side something: bounds that nobody has to exceed.

use super::frame::Kind;
use crate::{Limit, Limits, LoadError, budget::exceeded};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

/// The tokens of a [`Bucket`] that is empty come back within this time.
const REFILL: Duration = Duration::from_secs(5);

/// So many pings in a row may not come too early.
const STRIKES: u32 = 3;

/// How a peer behaves.
pub(super) struct Manners {
    limits: Arc<Limits>,
    cancels: Bucket,
    /// How many frames in a row had nothing in them.
    empty: usize,
    /// When the last ping came, and how many in a row came too early.
    pinged: Option<Instant>,
    early: u32,
    /// How many pings of this side are still to be answered.
    asked: u32,
}

impl Manners {
    pub(super) fn new(limits: &Arc<Limits>) -> Self {
        let cancels = Bucket::new(limits.cancels);
        Self { limits: Arc::clone(limits), cancels, empty: 0, pinged: None, early: 0, asked: 0 }
    }

    /// The peer has something to say.
    #[inline]
    pub(super) fn says_something(&mut self) {
        self.empty = 0;
    }

    /// A frame that is no call and no answer.
    pub(super) fn frame(&mut self, kind: Kind, nothing_in_it: bool) -> Result<(), LoadError> {
        let empty = match kind {
            Kind::Pong if self.asked > 0 => {
                self.asked -= 1;
                false
            }
            Kind::Pong => true,
            // They have bounds of their own.
            Kind::Ping | Kind::Cancel => false,
            _ => nothing_in_it,
        };
        self.empty = if empty { self.empty + 1 } else { 0 };
        let most = self.limits.empty_frames;
        if self.empty > most { Err(exceeded(Limit::EmptyFrames, most)) } else { Ok(()) }
    }

    /// A call of the peer's, which was sent as a whole, is no longer wanted; or the peer has given back a
    /// promise that it hasn't made.
    pub(super) fn needless(&mut self, now: Instant) -> Result<(), LoadError> {
        match self.cancels.take(now) {
            Ok(()) => Ok(()),
            Err(_) => Err(exceeded(Limit::Cancels, self.limits.cancels)),
        }
    }

    /// The peer asks whether this side is there.
    pub(super) fn pinged(&mut self, now: Instant) -> Result<(), LoadError> {
        let before = self.pinged.replace(now);
        let early = before.is_some_and(|before| now < before + self.limits.pings);
        self.early = if early { self.early + 1 } else { 0 };
        if self.early < STRIKES {
            return Ok(());
        }
        let millis = self.limits.pings.as_millis();
        Err(exceeded(Limit::Pings, usize::try_from(millis).unwrap_or(usize::MAX)))
    }

    /// This side asks whether the peer is there.
    pub(super) fn asks(&mut self) {
        self.asked = self.asked.saturating_add(1);
    }
}

/// So many at once, and in [`REFILL`] as many again.
struct Bucket {
    /// `None` for none at all.
    each: Option<Duration>,
    /// When it is full again.
    full: Option<Instant>,
}

impl Bucket {
    fn new(most: usize) -> Self {
        let refill = REFILL.as_nanos() as u64;
        Self { each: refill.checked_div(most as u64).map(Duration::from_nanos), full: None }
    }

    /// Takes a token. `Err` with when there is one, if there ever is.
    fn take(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        let each = self.each.ok_or(None)?;
        let full = self.full.map_or(now, |full| full.max(now)) + each;
        if full.saturating_duration_since(now) > REFILL {
            return Err(full.checked_sub(REFILL));
        }
        self.full = Some(full);
        Ok(())
    }
}

/// Calls of this side that nobody waits for any more, of which the peer is still to be told: not more
/// of them at a time than half of what a peer with the same limits takes, since what was sent at
/// some distance may arrive together.
pub(super) struct Cancels {
    waiting: VecDeque<u32>,
    bucket: Bucket,
    /// When the next one may go.
    until: Option<Instant>,
}

impl Cancels {
    pub(super) fn new(limits: &Limits) -> Self {
        let bucket = Bucket::new(limits.cancels.div_ceil(2));
        Self { waiting: VecDeque::new(), bucket, until: None }
    }

    pub(super) fn push(&mut self, id: u32) {
        self.waiting.push_back(id);
    }

    /// Whether some may go, as far as is known.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        !self.waiting.is_empty() && self.until.is_none()
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Time has passed.
    pub(super) fn look(&mut self, now: Instant) {
        self.until = self.until.filter(|until| *until > now);
    }

    /// The next one that may go, of those that are still `wanted`.
    pub(super) fn next(&mut self, now: Instant, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        while let Some(id) = self.waiting.front().copied() {
            // What has been answered meanwhile needs no word.
            if !wanted(id) {
                self.waiting.pop_front();
                continue;
            }
            match self.bucket.take(now) {
                Ok(()) => {
                    self.waiting.pop_front();
                    return Some(id);
                }
                Err(until) => {
                    self.until = until;
                    break;
                }
            }
        }
        if self.waiting.is_empty() {
            self.until = None;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { cancels: 10, empty_frames: 3, pings: Duration::from_secs(5), ..Limits::default() }
    }

    #[test]
    fn so_many_cancels_at_once_and_then_a_fifth_each_second() {
        let (mut manners, now) = (Manners::new(&Arc::new(limits())), Instant::now());
        for _ in 0..10 {
            manners.needless(now).unwrap();
        }
        assert!(manners.needless(now).is_err());
        let second = now + Duration::from_secs(1);
        for _ in 0..2 {
            manners.needless(second).unwrap();
        }
        assert!(manners.needless(second).is_err());
        let mut none = Manners::new(&Arc::new(Limits { cancels: 0, ..limits() }));
        assert!(none.needless(now).is_err());
    }

    #[test]
    fn frames_with_nothing_in_them_are_counted_in_a_row() {
        let mut manners = Manners::new(&Arc::new(limits()));
        for _ in 0..2 {
            for _ in 0..3 {
                manners.frame(Kind::Release, true).unwrap();
            }
            manners.says_something();
        }
        for _ in 0..3 {
            manners.frame(Kind::Pong, true).unwrap();
        }
        assert!(manners.frame(Kind::Gone, true).is_err());
        manners.says_something();
        for _ in 0..10 {
            manners.asks();
            manners.frame(Kind::Pong, true).unwrap();
        }
    }

    #[test]
    fn pings_keep_their_distance() {
        let (mut manners, mut now) = (Manners::new(&Arc::new(limits())), Instant::now());
        let mut ping = |seconds: u64| {
            now += Duration::from_secs(seconds);
            manners.pinged(now)
        };
        for _ in 0..3 {
            for seconds in [5, 4, 4] {
                ping(seconds).unwrap();
            }
        }
        ping(4).unwrap_err();
    }

    #[test]
    fn this_side_keeps_what_it_asks_of_others() {
        let (limits, mut now) = (limits(), Instant::now());
        let (mut manners, mut cancels) = (Manners::new(&Arc::new(limits)), Cancels::new(&limits));
        (0..50).for_each(|id| cancels.push(id));
        let mut sent = Vec::new();
        while sent.len() < 40 {
            assert!(cancels.is_ready());
            // Every fifth one is answered before.
            while let Some(id) = cancels.next(now, |id| id % 5 != 0) {
                manners.needless(now).unwrap();
                sent.push(id);
            }
            assert!(!cancels.is_ready());
            now = cancels.until().unwrap_or(now);
            cancels.look(now);
        }
        assert!((0..50).filter(|id| id % 5 != 0).eq(sent));
    }
}
