//! Puts messages together that arrive in pieces.

use super::frame::{Kind, take32};
use crate::{Limit, Limits, LoadError, LoadErrorKind, budget::exceeded};
use std::collections::HashMap;

/// Messages of which some pieces have arrived.
pub(super) struct Inbox {
    partial: HashMap<(bool, u32), Partial>,
    /// The most messages that may be under way, and the most bytes of one.
    most: usize,
    message: usize,
}

struct Partial {
    kind: Kind,
    flags: u8,
    body: Vec<u8>,
    /// Whether it has turned out to be too long: then nothing more of it is kept.
    too_long: bool,
}

/// A message that has arrived as a whole, in pieces.
pub(super) struct Whole {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) id: u32,
    /// `None` for one that is too long.
    pub(super) body: Option<Vec<u8>>,
}

impl Inbox {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { partial: HashMap::new(), most: limits.partial, message: limits.message }
    }

    /// Takes the first piece of a message; `body` is all that was in its frame.
    pub(super) fn begin(&mut self, kind: Kind, flags: u8, body: &[u8]) -> Result<(), LoadError> {
        let id = take32(&mut { body })?;
        if self.partial.len() >= self.most {
            return Err(exceeded(Limit::Partial, self.most));
        }
        let partial = Partial { kind, flags, body: body.to_vec(), too_long: false };
        match self.partial.insert((kind != Kind::Call, id), partial) {
            None => Ok(()),
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
        if partial.too_long || partial.body.len() + body.len() > self.message {
            partial.too_long = true;
            partial.body = Vec::new();
        } else {
            partial.body.extend_from_slice(body);
        }
        if more {
            return Ok(None);
        }
        Ok(self.partial.remove(&key).map(|partial| {
            let Partial { kind, flags, body, too_long } = partial;
            Whole { kind, flags, id, body: (!too_long).then_some(body) }
        }))
    }

    /// Forgets a call that its sender no longer wants, and says whether it was still arriving.
    pub(super) fn forget_call(&mut self, id: u32) -> bool {
        self.partial.remove(&(false, id)).is_some()
    }
}

fn malformed(problem: &'static str) -> LoadError {
    LoadErrorKind::Malformed { offset: 0, problem }.into()
}
