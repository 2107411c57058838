//! The head of a call: what stands in it before its arguments.

use super::frame::{Kind, malformed, put, put_text, take, take_text, take32};
use crate::{LoadError, ObjectId};
use std::{borrow::Borrow, hint::cold_path, time::Duration};

const DEADLINE: u8 = 1;
const KEYWORDS: u8 = 2;
const BLOCK: u8 = 4;
const PROMISE: u8 = 8;

/// Stands for a number where the name itself follows.
const NO_NUMBER: u32 = u32::MAX;

/// The most bytes of a name that has no number.
pub(super) const LONGEST: usize = 1024;

/// How a head names its method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Name<'a> {
    /// The number under which it was told.
    Number(u32),
    /// Its name.
    Text(&'a str),
}

/// A head, whose target is borrowed where it is written, and owned where it was read.
#[derive(Debug, PartialEq)]
pub(super) struct Head<'a, T> {
    /// By which the caller knows the call.
    pub(super) id: u32,
    pub(super) target: T,
    pub(super) name: Name<'a>,
    pub(super) deadline: Option<Duration>,
    /// Whether the last argument are arguments by name.
    pub(super) keywords: bool,
    /// A place in the caller's table.
    pub(super) block: Option<(u32, u32)>,
    /// The number under which the answer is to be kept.
    pub(super) promise: Option<u64>,
    /// How many arguments there are.
    pub(super) count: usize,
}

impl<'a> Head<'a, ObjectId> {
    /// Takes it from the beginning of `body`. `table` is the receiver's.
    #[inline(always)]
    pub(super) fn take(body: &mut &'a [u8], table: u64) -> Result<Self, LoadError> {
        let id = take32(body)?;
        let target = match take_byte(body)? {
            0 => ObjectId::Front,
            1 => ObjectId::Slot { table, slot: take32(body)?, generation: take32(body)? },
            2 => {
                cold_path();
                ObjectId::Name(take_text(body)?.into())
            }
            3 => {
                cold_path();
                ObjectId::Promise { table, number: take(body)? }
            }
            _ => return Err(malformed("a target of an unknown kind")),
        };
        let name = match take32(body)? {
            NO_NUMBER => {
                cold_path();
                Name::Text(take_text(body)?)
            }
            number => Name::Number(number),
        };
        if matches!(name, Name::Text(text) if text.len() > LONGEST) {
            return Err(malformed("a name without a number that is too long"));
        }
        let flags = take_byte(body)?;
        let deadline = match flags & DEADLINE {
            0 => None,
            _ => Some(Duration::from_millis(take(body)?)),
        };
        let block = match flags & BLOCK {
            0 => None,
            _ => {
                cold_path();
                Some((take32(body)?, take32(body)?))
            }
        };
        let promise = match flags & PROMISE {
            0 => None,
            _ => {
                cold_path();
                Some(take(body)?)
            }
        };
        let keywords = flags & KEYWORDS != 0;
        let count = usize::try_from(take(body)?).unwrap_or(usize::MAX);
        Ok(Self { id, target, name, deadline, keywords, block, promise, count })
    }
}

impl<T: Borrow<ObjectId>> Head<'_, T> {
    /// Writes it.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put(out, u64::from(self.id));
        match self.target.borrow() {
            ObjectId::Slot { slot, generation, .. } => {
                out.push(1);
                put(out, u64::from(*slot));
                put(out, u64::from(*generation));
            }
            ObjectId::Name(name) => {
                cold_path();
                out.push(2);
                put_text(out, name);
            }
            ObjectId::Promise { number, .. } => {
                cold_path();
                out.push(3);
                put(out, *number);
            }
            _ => out.push(0),
        }
        match self.name {
            Name::Number(number) => put(out, u64::from(number)),
            Name::Text(text) => {
                cold_path();
                put(out, u64::from(NO_NUMBER));
                put_text(out, text);
            }
        }
        let deadline = if self.deadline.is_some() { DEADLINE } else { 0 };
        let keywords = if self.keywords { KEYWORDS } else { 0 };
        let block = if self.block.is_some() { BLOCK } else { 0 };
        let promise = if self.promise.is_some() { PROMISE } else { 0 };
        out.push(deadline | keywords | block | promise);
        if let Some(deadline) = self.deadline {
            // At least what the caller waits, so that it is the one who tells.
            let millis = u64::from(deadline.subsec_nanos().div_ceil(1_000_000));
            put(out, deadline.as_secs().saturating_mul(1000).saturating_add(millis));
        }
        if let Some((slot, generation)) = self.block {
            cold_path();
            put(out, u64::from(slot));
            put(out, u64::from(generation));
        }
        if let Some(number) = self.promise {
            cold_path();
            put(out, number);
        }
        put(out, self.count as u64);
    }

    /// Whether a message of it and so many bytes more has more than `most`.
    pub(super) fn is_too_long(&self, values: usize, most: usize) -> bool {
        /// No head takes more, names apart.
        const ROOM: usize = 64;
        let object = match self.target.borrow() {
            ObjectId::Name(name) => name.len(),
            _ => 0,
        };
        let method = match self.name {
            Name::Text(text) => text.len(),
            Name::Number(_) => 0,
        };
        if values.saturating_add(object + method + ROOM) <= most {
            return false;
        }
        let mut head = Vec::new();
        self.put(&mut head);
        values.saturating_add(head.len()) > most
    }
}

/// Skips what stands before the value of an answer, or the arguments of a call.
pub(super) fn skip(kind: Kind, body: &mut &[u8]) -> Result<(), LoadError> {
    match kind {
        // Nobody looks at its target.
        Kind::Call => Head::take(body, 0).map(drop),
        _ => take32(body).map(drop),
    }
}

fn take_byte(body: &mut &[u8]) -> Result<u8, LoadError> {
    let (byte, rest) = body.split_first().ok_or_else(LoadError::truncated)?;
    *body = rest;
    Ok(*byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_back() {
        let plain = Head {
            id: 300,
            target: ObjectId::Front,
            name: Name::Number(7),
            deadline: None,
            keywords: false,
            block: None,
            promise: None,
            count: 2,
        };
        let all = Head {
            target: ObjectId::Name("a name".into()),
            deadline: Some(Duration::from_millis(1500)),
            keywords: true,
            block: Some((1, 2)),
            promise: Some(u64::MAX),
            ..plain
        };
        let slot = ObjectId::Slot { table: 5, slot: 200, generation: 3 };
        let longest = "m".repeat(LONGEST);
        let name = Name::Text(&longest);
        let slot = Head { target: slot, name, block: Some((8, 0)), ..plain };
        let promise = ObjectId::Promise { table: 5, number: 4 };
        let promise = Head { target: promise, keywords: true, ..plain };
        for head in [plain, all, slot, promise] {
            let mut out = Vec::new();
            head.put(&mut out);
            out.push(0xc0);
            let mut rest = out.as_slice();
            assert_eq!(Head::take(&mut rest, 5), Ok(head));
            assert_eq!(rest, [0xc0]);
            let mut rest = out.as_slice();
            assert_eq!(skip(Kind::Call, &mut rest), Ok(()));
            assert_eq!(rest, [0xc0]);
            for end in 0..out.len() - 1 {
                assert!(Head::take(&mut &out[..end], 5).is_err());
            }
        }
        assert!(skip(Kind::Call, &mut &[1, 4, 0, 0, 0, 0][..]).is_err(), "an unknown target");
        let long = [&[1, 0][..], b"\xff\xff\xff\xff\x0f\x81\x08", &[b'm'; 1025], &[0, 0]].concat();
        let mut out = long.as_slice();
        assert!(skip(Kind::Call, &mut out).is_err(), "a name that is too long");
    }
}
