//! A connection that nobody needs: the side that has accepted it asks the other one whether that is so, and ends
//! it then.

use super::frame::{self, Kind, malformed};
use crate::{Limits, LoadError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What is in the frame.
const ASKS: u8 = 0;
const NEEDED: u8 = 1;
const NOT_NEEDED: u8 = 2;

/// Where it isn't known since when a connection is idle, that is found out within this part of the limit.
const PART: u32 = 10;

/// What a frame says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The sender asks whether the receiver needs the connection.
    Asks,
    /// The sender needs it, or doesn't.
    Needs(bool),
}

/// How long a connection is idle, and what is done about it.
pub(super) struct Idle {
    limits: Arc<Limits>,
    /// Whether this side ends it.
    ends: bool,
    /// Since when it is idle. `None` if it isn't; or has ceased to be in use at a time that nobody has looked
    /// at: to look with each call would cost each call something.
    since: Option<Instant>,
    /// What time it was last.
    seen: Option<Instant>,
    /// When the peer was asked last, and whether it is still to answer.
    asked: Option<Instant>,
    waits: bool,
    /// Whether the peer doesn't need it either, or has said nothing.
    over: bool,
}

impl Idle {
    pub(super) fn new(limits: &Arc<Limits>) -> Self {
        let (limits, ends) = (Arc::clone(limits), false);
        Self { limits, ends, since: None, seen: None, asked: None, waits: false, over: false }
    }

    /// This side is to end the connection once it has been idle for too long.
    pub(super) fn begin(&mut self, now: Instant) {
        self.ends = true;
        self.stirs(now);
    }

    /// Whether this side ends it.
    #[inline]
    pub(super) fn ends(&self) -> bool {
        self.ends
    }

    /// Something has arrived that is no sign of life only.
    #[inline]
    pub(super) fn stirs(&mut self, now: Instant) {
        (self.since, self.seen) = (Some(now), Some(now));
    }

    /// When there is something to be done, where the connection isn't needed by what is known here.
    pub(super) fn wakes_at(&mut self, needed: bool) -> Option<Instant> {
        if !self.ends || self.over {
            return None;
        }
        if needed {
            self.since = None;
            return None;
        }
        match self.since {
            Some(since) => self.due(since),
            None => self.seen?.checked_add(self.limits.idle / PART),
        }
    }

    /// When the peer is to be asked; or, where it has been, when it should have answered.
    fn due(&self, since: Instant) -> Option<Instant> {
        let due = since.checked_add(self.limits.idle)?;
        let Some(asked) = self.asked else { return Some(due) };
        // It is to the peer what a ping is.
        let wait = if self.waits { self.limits.stall } else { self.distance() };
        Some(due.max(asked.checked_add(wait)?))
    }

    fn distance(&self) -> Duration {
        self.limits.pings.saturating_mul(2)
    }

    /// Time has passed. Says whether the peer is to be asked.
    pub(super) fn look(&mut self, needed: bool, now: Instant) -> bool {
        self.seen = Some(now);
        if !self.ends || self.over || needed {
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if self.due(since).is_none_or(|due| now < due) {
            return false;
        }
        self.over = self.waits;
        (self.asked, self.waits) = (Some(now), true);
        !self.over
    }

    /// The peer has answered.
    pub(super) fn answered(&mut self, needed: bool, now: Instant) -> Result<(), LoadError> {
        if !std::mem::take(&mut self.waits) {
            return Err(malformed("an answer to what was not asked"));
        }
        self.over |= !needed;
        self.stirs(now);
        Ok(())
    }

    /// Whether it was found to be idle, by both sides.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

pub(super) fn write(out: &mut Vec<u8>, word: Word) {
    let start = frame::open(out, Kind::Idle, 0);
    out.push(match word {
        Word::Asks => ASKS,
        Word::Needs(true) => NEEDED,
        Word::Needs(false) => NOT_NEEDED,
    });
    frame::close(out, start);
}

pub(super) fn read(body: &[u8]) -> Result<Word, LoadError> {
    match body {
        [ASKS] => Ok(Word::Asks),
        [NEEDED] => Ok(Word::Needs(true)),
        [NOT_NEEDED] => Ok(Word::Needs(false)),
        _ => Err(malformed("a frame about being idle that says nothing")),
    }
}
