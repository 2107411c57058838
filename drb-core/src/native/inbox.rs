//! Puts messages together that arrive in pieces.

use super::{
    buffered::{Buffered, Share},
    frame::{Kind, malformed, take32},
    head,
    imports::Place,
    scan::Scan,
    tail::{self, BEHIND, Tail},
    window::Intake,
};
use crate::{Limit, Limits, LoadError, budget::exceeded};
use foldhash::fast::RandomState;
use std::{collections::HashMap, sync::Arc};

/// Messages of which some pieces have arrived.
pub(super) struct Inbox {
    partial: HashMap<(bool, u32), Partial, RandomState>,
    /// The most messages that may be under way, and the most bytes of one.
    most: usize,
    message: usize,
    /// The most references of one that is too long.
    references: usize,
    /// The frame with bytes of a string that is arriving.
    reading: Option<Reading>,
    /// Memory for the next string.
    spare: Vec<u8>,
    /// What the messages take up.
    share: Share,
    /// What has been taken of chunks and tails.
    pub(super) intake: Intake,
}

/// A frame whose bytes go straight to where they are to be.
struct Reading {
    key: (bool, u32),
    /// How many of its bytes are still to come.
    left: usize,
    /// Whether further frames of the message follow.
    more: bool,
    /// How long the frame is, and whether the sender wants to know when it has been taken.
    len: usize,
    asked: bool,
}

/// No more memory than this is kept for the next string.
const SPARE: usize = 4 << 20;

/// No more memory than this is taken for a string of which nothing has arrived.
const AHEAD: usize = 64 << 10;

struct Partial {
    kind: Kind,
    flags: u8,
    body: Vec<u8>,
    /// What has arrived of the string at its end, once that has begun, and how long it is to be.
    tail: Option<(Vec<u8>, usize)>,
    /// Once it has turned out to be too long, or there is no memory for it: then nothing of it is kept but
    /// what is to be given back.
    too_much: Option<(Limit, Scan)>,
}

/// A message that has arrived as a whole, but of which nothing was kept.
pub(super) struct TooMuch {
    /// Which bound it has exceeded.
    pub(super) limit: Limit,
    /// What it refers to.
    pub(super) found: Vec<Place>,
}

/// A message that has arrived as a whole, in pieces.
pub(super) struct Whole {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) id: u32,
    pub(super) body: Result<Vec<u8>, TooMuch>,
    pub(super) tail: Option<Arc<Tail>>,
}

impl Inbox {
    pub(super) fn new(limits: &Limits) -> Self {
        let Limits { partial: most, message, .. } = *limits;
        let references = limits.references.saturating_mul(limits.arguments);
        let partial = HashMap::default();
        Self {
            partial,
            most,
            message,
            references,
            reading: None,
            spare: Vec::new(),
            share: Share::default(),
            intake: Intake::default(),
        }
    }

    /// Lets what the messages take up count towards what a server's connections hold together.
    pub(super) fn share(&mut self, buffered: &Arc<Buffered>) {
        self.share = Share::of(Arc::clone(buffered));
    }

    /// A message that has come in one piece, and is too long.
    pub(super) fn too_long(kind: Kind, flags: u8, mut body: &[u8]) -> Result<Whole, LoadError> {
        let found = Scan::of(values(kind, body)?);
        let id = take32(&mut body)?;
        let body = Err(TooMuch { limit: Limit::Message, found });
        Ok(Whole { kind, flags, id, body, tail: None })
    }

    /// A message has grown: it is given up if that is too much.
    fn grown(&mut self, key: (bool, u32)) -> Result<(), LoadError> {
        let takes = self.partial.values().map(Partial::takes).sum();
        let Some(partial) = self.partial.get_mut(&key) else { return Ok(()) };
        if partial.len() > self.message {
            partial.give_up(Limit::Message)?;
        } else if !self.share.hold(takes) {
            partial.give_up(Limit::Buffered)?;
        } else {
            return Ok(());
        }
        self.shrunk();
        Ok(())
    }

    /// There is less of them.
    fn shrunk(&mut self) {
        let takes = self.partial.values().map(Partial::takes).sum();
        // It fits, since it has before. (If others have taken the room, it is found with the next piece.)
        self.share.hold(takes);
    }

    /// Takes the first piece of a message; `body` is all that was in its frame.
    pub(super) fn begin(&mut self, kind: Kind, flags: u8, body: &[u8]) -> Result<(), LoadError> {
        let id = take32(&mut { body })?;
        if self.partial.len() >= self.most {
            return Err(exceeded(Limit::Partial, self.most));
        }
        let body = body.to_vec();
        let partial = Partial { kind, flags, body, tail: None, too_much: None };
        let key = (kind != Kind::Call, id);
        match self.partial.insert(key, partial) {
            None => self.grown(key),
            Some(_) => Err(malformed("two messages with one number")),
        }
    }

    /// Takes a further piece. Gives the message, if it was the last one.
    pub(super) fn piece(
        &mut self,
        mut body: &[u8],
        more: bool,
    ) -> Result<Option<Whole>, LoadError> {
        let (which, rest) = body.split_first().ok_or_else(LoadError::truncated)?;
        body = rest;
        let id = take32(&mut body)?;
        let key = (*which != 0, id);
        // What was cancelled may still have been on its way.
        let Some(partial) = self.partial.get_mut(&key) else { return Ok(None) };
        match &mut partial.too_much {
            Some((_, scan)) => {
                scan.feed(body);
                if scan.len() > self.references {
                    return Err(exceeded(Limit::References, self.references));
                }
            }
            None if partial.tail.is_some() => {
                return Err(malformed("more of a message behind the string at its end"));
            }
            None => {
                partial.body.extend_from_slice(body);
                self.grown(key)?;
            }
        }
        if more { Ok(None) } else { self.end(key) }
    }

    /// Begins a frame with bytes of the string at the end of a message: after `before`, `len` are to come.
    /// `more` follow, and the sender has `asked` to be told when it was taken.
    pub(super) fn begin_tail(
        &mut self,
        key: (bool, u32),
        (before, len): (usize, usize),
        (more, asked): (bool, bool),
    ) -> Result<(), LoadError> {
        self.reading = Some(Reading { key, left: len, more, len: before + len, asked });
        let Some(partial) = self.partial.get_mut(&key) else { return Ok(()) };
        if partial.too_much.is_some() {
            return Ok(());
        }
        if partial.tail.is_none() {
            let claim = tail::claim(&partial.body).filter(|claim| *claim > 0);
            let claim = claim.ok_or_else(|| malformed("a string for a message without one"))?;
            partial.tail = Some((std::mem::take(&mut self.spare), claim));
        }
        if let Some((bytes, claim)) = &partial.tail
            && bytes.len() + len > *claim
        {
            return Err(malformed("a string of more bytes than it is said to have"));
        }
        self.grown(key)
    }

    /// How many bytes of a string have to come before the next frame does.
    pub(super) fn reading(&self) -> Option<usize> {
        self.reading.as_ref().map(|reading| reading.left)
    }

    /// Takes bytes of a string.
    pub(super) fn fill(&mut self, bytes: &[u8]) {
        let Some(reading) = &mut self.reading else { return };
        reading.left = reading.left.saturating_sub(bytes.len());
        if let Some(Partial { tail: Some((tail, _)), .. }) = self.partial.get_mut(&reading.key) {
            tail.extend_from_slice(bytes);
        }
    }

    /// Where bytes of a string may be read to instead, behind what is there, and the most. They may be
    /// [`BEHIND`] more than that, which are then the beginning of the next frame.
    pub(super) fn lend(&mut self) -> Option<(Vec<u8>, usize)> {
        let Reading { key, left, .. } = self.reading.as_ref()?;
        let (tail, claim) = self.partial.get_mut(key)?.tail.as_mut()?;
        let missing = claim.saturating_sub(tail.len());
        let room = missing.min(tail.len().max(AHEAD));
        if tail.capacity() - tail.len() < room.min(*left) + BEHIND {
            tail.reserve_exact(room + BEHIND);
        }
        let most = (*left).min(tail.capacity().saturating_sub(tail.len() + BEHIND));
        Some((std::mem::take(tail), most))
    }

    /// Takes back what was lent, with `read` bytes of the string more than before.
    pub(super) fn lent(&mut self, memory: Vec<u8>, read: usize) {
        let Some(reading) = &mut self.reading else { return };
        reading.left = reading.left.saturating_sub(read);
        if let Some(Partial { tail: Some((tail, _)), .. }) = self.partial.get_mut(&reading.key) {
            *tail = memory;
        }
    }

    /// Ends a frame with bytes of a string. Gives the message, if it was the last one.
    pub(super) fn end_tail(&mut self) -> Result<Option<Whole>, LoadError> {
        let Some(Reading { key, more, len, asked, .. }) = self.reading.take() else {
            return Ok(None);
        };
        self.intake.take(len, asked);
        if more { Ok(None) } else { self.end(key) }
    }

    /// Nothing more of a message is to come.
    fn end(&mut self, key: (bool, u32)) -> Result<Option<Whole>, LoadError> {
        let Some(partial) = self.partial.remove(&key) else { return Ok(None) };
        self.shrunk();
        let Partial { kind, flags, body, tail, too_much } = partial;
        let tail = match tail {
            Some((bytes, claim)) if bytes.len() != claim => {
                return Err(malformed("a string of fewer bytes than it is said to have"));
            }
            tail => tail.map(|(bytes, _)| Tail::new(bytes.into())),
        };
        let body = too_much
            .map_or(Ok(body), |(limit, scan)| Err(TooMuch { limit, found: scan.into_found() }));
        Ok(Some(Whole { kind, flags, id: key.1, body, tail }))
    }

    /// Takes memory for the next string, if it is more than there is already.
    pub(super) fn keep(&mut self, mut memory: Vec<u8>) {
        if memory.capacity() > self.spare.capacity() && memory.capacity() <= SPARE {
            memory.clear();
            self.spare = memory;
        }
    }

    /// Gives back the memory that is kept: there has been no string for a while.
    pub(super) fn forget_memory(&mut self) {
        self.spare = Vec::new();
    }

    /// Forgets a call that its sender no longer wants, and says whether it was still arriving.
    pub(super) fn forget_call(&mut self, id: u32) -> bool {
        let was = self.partial.remove(&(false, id)).is_some();
        self.shrunk();
        was
    }

    /// Whether more of a message is to come.
    pub(super) fn is_partial(&self) -> bool {
        !self.partial.is_empty()
    }
}

/// What stands behind the head of a message.
fn values(kind: Kind, mut body: &[u8]) -> Result<&[u8], LoadError> {
    head::skip(kind, &mut body)?;
    Ok(body)
}

impl Partial {
    /// How many bytes it has, as far as that is known.
    fn len(&self) -> usize {
        self.body.len().saturating_add(self.tail.as_ref().map_or(0, |(_, claim)| *claim))
    }

    /// How many bytes of it have arrived.
    fn takes(&self) -> usize {
        self.body.len() + self.tail.as_ref().map_or(0, |(bytes, _)| bytes.len())
    }

    /// It exceeds a bound.
    fn give_up(&mut self, limit: Limit) -> Result<(), LoadError> {
        let body = std::mem::take(&mut self.body);
        let mut scan = Scan::default();
        scan.feed(values(self.kind, &body)?);
        (self.too_much, self.tail) = (Some((limit, scan)), None);
        Ok(())
    }
}
