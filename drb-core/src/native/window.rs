//! How much of large messages may be under way, so that small ones don't wait behind it.
//!
//! What the system has taken to be sent can't be overtaken any more. So the bytes of chunks and tails that
//! the peer hasn't taken yet are bounded: tightly while small messages go between them, and loosely
//! else. Where the way is long, more is needed to fill it, and the window grows: to a little more than
//! what arrives within the time in which the peer answers when nothing else is under way.

use crate::{LoadError, LoadErrorKind};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The window while small messages go between the pieces of large ones.
const TIGHT: usize = 32 << 10;

/// The window else.
const LOOSE: usize = 2 << 20;

/// No window is larger than this.
const WIDE: usize = 16 << 20;

/// A piece while small messages go between.
const SMALL: usize = 16 << 10;

/// After so many bytes without a small message there is nothing that has to go between.
const QUIET: usize = 8 << 20;

/// The window is so many times what is measured to fill the way. So it grows until so much more is under way.
const MORE: f64 = 1.8;

/// The same on a way that is shorter than [`SHORT`], while small messages go between, which would wait for what
/// is more.
const LITTLE_MORE: f64 = 1.25;
const SHORT: Duration = Duration::from_millis(1);

/// So often something begins to be sent before it is measured again how long the way is, if that is to be
/// known.
const BURSTS: u32 = 16;

/// The peer says by itself what it has taken when it sends something else, if it is at least this.
const WORTH: usize = 16 << 10;

/// The window of one direction, as its sender knows it.
#[derive(Default)]
pub(super) struct Window {
    /// Bytes that were sent, and those of them that the peer has taken.
    sent: u64,
    taken: u64,
    /// Bytes that were sent since the peer was asked last to say what it has taken.
    unasked: usize,
    /// What the peer was asked for.
    asked: VecDeque<Asked>,
    /// How long it takes to answer when nothing else is under way.
    alone: Option<Duration>,
    /// How often something was sent when nothing was under way, since that was measured.
    bursts: u32,
    /// Whether so much was sent since then that the window mattered.
    filled: bool,
    /// What fills the way.
    needs: usize,
    /// How many bytes are still to be sent as if small messages went between them.
    tight: usize,
}

struct Asked {
    /// How many bytes had been sent, when that was, and how many had been taken by then.
    sent: u64,
    /// Whether nothing else was under way.
    alone: bool,
    at: Instant,
    taken: u64,
}

impl Window {
    fn size(&self) -> usize {
        let (least, more) = match self.tight {
            0 => (LOOSE, MORE),
            _ if self.alone.is_some_and(|alone| alone < SHORT) => (TIGHT, LITTLE_MORE),
            _ => (TIGHT, MORE),
        };
        ((self.needs as f64 * more) as usize).clamp(least, WIDE)
    }

    fn under_way(&self) -> usize {
        usize::try_from(self.sent - self.taken).unwrap_or(usize::MAX)
    }

    /// Whether a piece may be sent.
    pub(super) fn is_open(&self) -> bool {
        match self.asked.front() {
            // What follows a measurement waits for it; and so that there is one, all that was sent has to
            // be taken.
            Some(asked) => {
                let first = self.alone.is_none() && self.filled;
                !asked.alone && !first && self.has_room()
            }
            // One that has become tighter may be full although the peer wasn't asked.
            None => true,
        }
    }

    /// Whether it is time to see how long the way is. That takes a turn of its own, in which little is sent:
    /// what fits into the window is spared it.
    fn is_to_measure(&self) -> bool {
        let old = self.alone.is_none() || self.bursts >= BURSTS;
        old && (self.filled || self.tight > 0)
    }

    fn has_room(&self) -> bool {
        self.under_way() < self.size()
    }

    /// The most bytes of the next piece, of which there may be `most`.
    pub(super) fn piece(&self, most: usize) -> usize {
        if self.tight > 0 || self.measures_alone() { most.min(SMALL) } else { most }
    }

    /// Whether what is sent next shows how long the way is.
    fn measures_alone(&self) -> bool {
        self.sent == self.taken && self.is_to_measure()
    }

    /// The peer has taken all that was sent.
    #[cfg(test)]
    pub(super) fn take_all(&mut self) {
        let under_way = self.sent - self.taken;
        self.taken(under_way, Instant::now()).expect("so much was sent");
    }

    /// How many bytes the peer has taken.
    pub(super) fn taken_so_far(&self) -> u64 {
        self.taken
    }

    /// Whether small messages go between the pieces of large ones.
    pub(super) fn is_tight(&self) -> bool {
        self.tight > 0
    }

    /// A small message is sent: another one may soon have to go between.
    #[inline]
    pub(super) fn small(&mut self) {
        self.tight = QUIET;
    }

    /// A piece is sent. Says whether the peer is to tell when it has taken it.
    pub(super) fn send(&mut self, len: usize, now: impl Fn() -> Instant) -> bool {
        let alone = self.measures_alone();
        if alone {
            (self.bursts, self.filled) = (0, false);
        }
        self.bursts = self.bursts.saturating_add(u32::from(self.sent == self.taken));
        self.sent += len as u64;
        self.tight = self.tight.saturating_sub(len);
        self.unasked += len;
        // So it is always asked before the window is closed.
        if !alone && self.has_room() && self.unasked < self.size() / 2 {
            return false;
        }
        self.unasked = 0;
        self.filled |= !alone;
        self.asked.push_back(Asked { sent: self.sent, alone, at: now(), taken: self.taken });
        true
    }

    /// The peer has taken so many bytes more.
    pub(super) fn taken(&mut self, bytes: u64, now: Instant) -> Result<(), LoadError> {
        let taken = self.taken.checked_add(bytes).filter(|taken| *taken <= self.sent);
        self.taken = taken.ok_or(LoadErrorKind::Malformed {
            offset: 0,
            problem: "more bytes taken than were sent",
        })?;
        self.unasked = self.unasked.min(self.under_way());
        while let Some(asked) = self.asked.pop_front_if(|asked| asked.sent <= self.taken) {
            self.measure(&asked, now);
        }
        Ok(())
    }

    fn measure(&mut self, asked: &Asked, now: Instant) {
        let took = now.saturating_duration_since(asked.at).max(Duration::from_micros(1));
        let alone = match self.alone {
            Some(alone) if !asked.alone => alone.min(took),
            // The way may have become longer.
            Some(alone) if alone < took => alone + (took - alone) / 8,
            _ => took,
        };
        self.alone = Some(alone);
        let arrived = (self.taken - asked.taken) as f64;
        self.needs = (arrived * alone.as_secs_f64() / took.as_secs_f64()) as usize;
    }
}

/// The same as its receiver knows it.
#[derive(Default)]
pub(super) struct Intake {
    /// Bytes that have been taken and the peer doesn't know of.
    untold: usize,
    /// Whether it has asked.
    asked: bool,
}

impl Intake {
    /// A piece has been taken.
    pub(super) fn take(&mut self, len: usize, asked: bool) {
        self.untold += len;
        self.asked |= asked;
    }

    /// What the peer is to be told, if it has asked.
    pub(super) fn answer(&mut self) -> Option<usize> {
        if std::mem::take(&mut self.asked) { self.tell(1) } else { None }
    }

    /// What the peer is to be told as something else is sent.
    #[inline]
    pub(super) fn mention(&mut self) -> Option<usize> {
        self.tell(WORTH)
    }

    fn tell(&mut self, least: usize) -> Option<usize> {
        (self.untold >= least).then(|| std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: usize = 256 << 10;

    /// Sends for so long over a way that takes `delay` in each direction together, and has `rate` bytes a
    /// second; gives how much has arrived, and the window at the end.
    fn over(delay: Duration, rate: f64, small: bool) -> (u64, usize) {
        let start = Instant::now();
        let mut window = Window::default();
        let (mut now, mut free) = (start, start);
        let mut way: VecDeque<(Instant, usize, bool)> = VecDeque::new();
        let mut intake = Intake::default();
        while now < start + Duration::from_secs(10) {
            if small {
                window.small();
            }
            while window.is_open() {
                let len = window.piece(PIECE);
                let asked = window.send(len, || now);
                free = free.max(now) + Duration::from_secs_f64(len as f64 / rate);
                way.push_back((free + delay, len, asked));
            }
            let (at, len, asked) = way.pop_front().expect("the window is closed");
            now = at;
            intake.take(len, asked);
            if let Some(taken) = intake.answer() {
                window.taken(taken as u64, now).unwrap();
            }
        }
        (window.taken, window.size())
    }

    #[test]
    fn a_short_way_needs_little() {
        // As a socket within a machine: 30 us and 2 GB/s.
        let (arrived, window) = over(Duration::from_micros(30), 2e9, true);
        assert!((TIGHT..200_000).contains(&window), "{window}");
        assert!(arrived > 18_000_000_000, "{arrived}");
        let (arrived, window) = over(Duration::from_micros(30), 2e9, false);
        assert_eq!(window, LOOSE);
        assert!(arrived > 19_000_000_000, "{arrived}");
    }

    #[test]
    fn a_long_way_is_filled() {
        for small in [true, false] {
            // 50 ms and 100 MB/s: 5 MB are under way.
            let (arrived, window) = over(Duration::from_millis(50), 1e8, small);
            assert!((5_000_000..16_000_000).contains(&window), "{window}");
            assert!(arrived > 700_000_000, "{arrived}");
            // And a slow one isn't overfilled.
            let (arrived, window) = over(Duration::from_millis(50), 1e6, true);
            assert!(window < 400_000, "{window}");
            assert!(arrived > 9_000_000, "{arrived}");
        }
    }

    #[test]
    fn what_fits_waits_for_nothing() {
        let now = Instant::now();
        let mut window = Window::default();
        // One message of 64 KiB after the other, in two pieces, each answered by one that mentions it.
        for _ in 0..100 {
            for _ in 0..2 {
                assert!(window.is_open());
                assert!(!window.send(32 << 10, || now));
            }
            window.taken(64 << 10, now).unwrap();
        }
    }

    #[test]
    fn a_closed_window_has_always_asked() {
        let now = Instant::now();
        for len in [1, 1000, 40_000, 300_000, 5_000_000] {
            for small in [true, false] {
                let mut window = Window::default();
                let mut asked = false;
                while window.is_open() {
                    asked = window.send(len, || now);
                    if small {
                        window.small();
                    }
                }
                assert!(asked, "{len} {small}");
                assert!(window.taken(window.sent + 1, now).is_err());
            }
        }
    }
}
