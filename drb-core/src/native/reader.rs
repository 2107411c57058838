//! Where reading stands: positions, markers, bounds.

use super::{PeerShape, Tables, Tail, call::HeldObject, ext, tail};
use crate::{Budget, Limit, LoadError, LoadErrorKind, Session, Shape, budget::exceeded};
use bytes::Bytes;
use rmp::Marker;
use std::{borrow::Cow, sync::Arc};

/// Reads values of MessagePack, one after the other.
pub(crate) struct Reader<'de> {
    /// What is still to be read.
    pub(super) rest: &'de [u8],
    /// How many bytes there were.
    len: usize,
    pub(super) budget: Budget,
    /// How deep what is read next may go, within what it is in.
    pub(super) levels: usize,
    pub(super) tables: &'de Tables,
    /// The string that the message ends with, if it has travelled beside it.
    tail: Option<&'de Tail>,
    /// What holds the objects that values of unknown types refer to.
    pub(super) session: Option<&'de dyn Session>,
    /// The objects of the peer's that are referred to in what is left, where they may be taken.
    pub(super) held: &'de mut [HeldObject],
    /// The shape that came last: values of one type tend to come together.
    last: Option<(u32, Arc<PeerShape>)>,
    /// How the struct that came last has begun, and what it was, if its fields were exactly those.
    pub(super) last_head: Option<([u8; 4], &'static Shape)>,
}

/// The beginning of a value: its marker, and the length that belongs to it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Head {
    Nil,
    Bool(bool),
    Int(i64),
    /// What doesn't fit 63 bits.
    Uint(u64),
    Float(f64),
    Str(usize),
    Bytes(usize),
    Array(usize),
    Map(usize),
    Ext(i8, usize),
}

impl<'de> Reader<'de> {
    /// Reads a value. It counts as one, and those within an array, a map or a struct when that begins.
    // A reader is large: whatever is known before goes straight to its place.
    #[inline(always)]
    pub(crate) fn new(
        bytes: &'de [u8],
        budget: Budget,
        tables: &'de Tables,
        session: Option<&'de dyn Session>,
    ) -> Self {
        let (budget, is_there) = budget.after(1);
        Self::within(if is_there { bytes } else { &[] }, budget, tables, session)
    }

    /// Reads values that have been counted. References in them go through `session`.
    #[inline(always)]
    pub(crate) fn within(
        bytes: &'de [u8],
        budget: Budget,
        tables: &'de Tables,
        session: Option<&'de dyn Session>,
    ) -> Self {
        Self {
            rest: bytes,
            len: bytes.len(),
            budget,
            levels: budget.depth,
            tables,
            tail: None,
            session,
            held: &mut [],
            last: None,
            last_head: None,
        }
    }

    /// The bytes end where this is to follow.
    #[inline]
    pub(crate) fn end_with(&mut self, tail: Option<&'de Tail>) {
        self.tail = tail;
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    #[inline]
    pub(crate) fn reserve(&mut self, len: usize, size: usize) -> usize {
        // Each element takes at least a byte of what has arrived.
        self.budget.reserve(len.min(self.rest.len()), size).unwrap_or_else(|| {
            self.rest = &[];
            0
        })
    }

    /// Takes the next value and forgets it.
    pub(crate) fn skip(&mut self) -> Result<(), LoadError> {
        // How many values are still to be skipped: no stack is needed for those within others.
        let mut values = 1_usize;
        while let Some(left) = values.checked_sub(1) {
            values = left;
            let within = match self.head()? {
                Head::Str(len) | Head::Bytes(len) => {
                    self.pass(len)?;
                    0
                }
                Head::Ext(_, len) => {
                    self.take(len)?;
                    0
                }
                Head::Array(len) => len,
                Head::Map(len) => 2 * len,
                _ => 0,
            };
            self.budget.take_nodes(within)?;
            values += within;
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn end(&mut self) -> Result<(), LoadError> {
        self.levels += 1;
        Ok(())
    }

    /// How many bytes were read.
    pub(crate) fn pos(&self) -> usize {
        self.len - self.rest.len()
    }

    /// The beginning of the next value.
    pub(super) fn head(&mut self) -> Result<Head, LoadError> {
        Ok(match Marker::from_u8(self.byte()?) {
            Marker::FixPos(value) => Head::Int(i64::from(value)),
            Marker::FixNeg(value) => Head::Int(i64::from(value)),
            Marker::Null => Head::Nil,
            Marker::True => Head::Bool(true),
            Marker::False => Head::Bool(false),
            Marker::U8 => Head::Int(i64::from(self.byte()?)),
            Marker::U16 => Head::Int(i64::from(u16::from_be_bytes(self.chunk()?))),
            Marker::U32 => Head::Int(i64::from(u32::from_be_bytes(self.chunk()?))),
            Marker::U64 => {
                let value = u64::from_be_bytes(self.chunk()?);
                i64::try_from(value).map_or(Head::Uint(value), Head::Int)
            }
            Marker::I8 => Head::Int(i64::from(i8::from_be_bytes(self.chunk()?))),
            Marker::I16 => Head::Int(i64::from(i16::from_be_bytes(self.chunk()?))),
            Marker::I32 => Head::Int(i64::from(i32::from_be_bytes(self.chunk()?))),
            Marker::I64 => Head::Int(i64::from_be_bytes(self.chunk()?)),
            Marker::F32 => Head::Float(f64::from(f32::from_be_bytes(self.chunk()?))),
            Marker::F64 => Head::Float(f64::from_be_bytes(self.chunk()?)),
            Marker::FixStr(len) => self.held(Head::Str, usize::from(len))?,
            Marker::Str8 => self.held8(Head::Str)?,
            Marker::Str16 => self.held16(Head::Str)?,
            Marker::Str32 => self.long(Head::Str)?,
            Marker::Bin8 => self.held8(Head::Bytes)?,
            Marker::Bin16 => self.held16(Head::Bytes)?,
            Marker::Bin32 => self.long(Head::Bytes)?,
            Marker::FixArray(len) => self.held(Head::Array, usize::from(len))?,
            Marker::Array16 => self.held16(Head::Array)?,
            Marker::Array32 => self.held32(Head::Array)?,
            Marker::FixMap(len) => self.held(Head::Map, usize::from(len))?,
            Marker::Map16 => self.held16(Head::Map)?,
            Marker::Map32 => self.held32(Head::Map)?,
            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => {
                let len = usize::from(self.byte()?);
                self.ext(len)?
            }
            Marker::Ext16 => {
                let len = usize::from(u16::from_be_bytes(self.chunk()?));
                self.ext(len)?
            }
            Marker::Ext32 => {
                let len = u32::from_be_bytes(self.chunk()?) as usize;
                self.ext(len)?
            }
            Marker::Reserved => {
                return Err(malformed(self.pos() - 1, "a byte that begins no value"));
            }
        })
    }

    fn held8(&mut self, head: fn(usize) -> Head) -> Result<Head, LoadError> {
        let len = usize::from(self.byte()?);
        self.held(head, len)
    }

    fn held16(&mut self, head: fn(usize) -> Head) -> Result<Head, LoadError> {
        let len = usize::from(u16::from_be_bytes(self.chunk()?));
        self.held(head, len)
    }

    fn held32(&mut self, head: fn(usize) -> Head) -> Result<Head, LoadError> {
        let len = u32::from_be_bytes(self.chunk()?) as usize;
        self.held(head, len)
    }

    /// A string that may be the one that has travelled beside the message.
    fn long(&mut self, head: fn(usize) -> Head) -> Result<Head, LoadError> {
        let len = u32::from_be_bytes(self.chunk()?) as usize;
        match self.tail {
            Some(tail) if self.rest.is_empty() && tail.len() == len => Ok(head(len)),
            _ => self.held(head, len),
        }
    }

    /// A length is only believed if there are so many bytes: each element takes at least one.
    #[inline]
    fn held(&self, head: fn(usize) -> Head, len: usize) -> Result<Head, LoadError> {
        if len > self.rest.len() {
            return Err(LoadError::truncated());
        }
        Ok(head(len))
    }

    fn ext(&mut self, len: usize) -> Result<Head, LoadError> {
        let ty = i8::from_be_bytes(self.chunk()?);
        self.held(Head::Bytes, len)?;
        Ok(Head::Ext(ty, len))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, LoadError> {
        let (byte, rest) = self.rest.split_first().ok_or_else(|| self.budget.ended())?;
        self.rest = rest;
        Ok(*byte)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let (chunk, rest) = self.rest.split_first_chunk().ok_or_else(LoadError::truncated)?;
        self.rest = rest;
        Ok(*chunk)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'de [u8], LoadError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(LoadError::truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The bytes of a string.
    #[inline]
    pub(super) fn string(&mut self, len: usize) -> Result<Cow<'de, [u8]>, LoadError> {
        if len > self.rest.len() {
            let tail = self.tail.and_then(Tail::take).ok_or_else(LoadError::truncated)?;
            return Ok(Cow::Owned(tail.into()));
        }
        self.take(len).map(Cow::Borrowed)
    }

    /// Takes the string that has travelled beside the message, if that is next.
    pub(crate) fn string_beside(&mut self) -> Result<Option<Bytes>, LoadError> {
        let Some(tail) = self.tail else { return Ok(None) };
        if self.rest.len() != tail::CLAIM || tail::claim(self.rest) != Some(tail.len()) {
            return Ok(None);
        }
        self.budget.take_memory(tail.len())?;
        self.rest = &[];
        tail.take().map(Some).ok_or_else(LoadError::truncated)
    }

    /// Takes the bytes of a string and forgets them.
    pub(super) fn pass(&mut self, len: usize) -> Result<(), LoadError> {
        if len > self.rest.len() && self.tail.is_some() {
            return Ok(());
        }
        self.take(len).map(|_| ())
    }

    /// What the first element of an array of `len` says of the others, if it does; then it is taken.
    #[inline]
    pub(super) fn mark(&mut self, len: usize) -> Result<Option<(i8, &'de [u8])>, LoadError> {
        if len == 0 || !is_mark(self.rest.first()) {
            return Ok(None);
        }
        let start = self.rest;
        match self.head()? {
            Head::Ext(ty @ ext::SHAPE..=ext::KEYWORDS, len) => Ok(Some((ty, self.take(len)?))),
            _ => {
                self.rest = start;
                Ok(None)
            }
        }
    }

    /// The peer's shape whose number a mark holds.
    #[inline]
    pub(super) fn shape(&mut self, mark: &[u8]) -> Result<&Arc<PeerShape>, LoadError> {
        if mark.is_empty() || mark.len() > 4 {
            return Err(malformed(self.pos(), "a number of a shape that isn't one"));
        }
        let number = mark.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        if self.last.as_ref().is_none_or(|(last, _)| *last != number) {
            let shape = self.tables.peer(number);
            let shape =
                shape.ok_or_else(|| malformed(self.pos(), "a struct of an unknown shape"))?;
            self.last = Some((number, shape));
        }
        match &self.last {
            Some((_, shape)) => Ok(shape),
            None => Err(malformed(self.pos(), "a struct of an unknown shape")),
        }
    }

    /// So many values follow within the one that has begun.
    #[inline(always)]
    pub(super) fn descend(&mut self, values: usize) -> Result<(), LoadError> {
        match self.levels.checked_sub(1) {
            Some(left) => {
                self.levels = left;
                self.budget.take_nodes(values)
            }
            None => Err(self.too_deep()),
        }
    }

    #[cold]
    fn too_deep(&self) -> LoadError {
        exceeded(Limit::Depth, self.budget.depth)
    }
}

/// Whether an extension type begins with this; any other first element of an array is no mark.
#[inline(always)]
pub(super) fn is_mark(first: Option<&u8>) -> bool {
    matches!(first, Some(0xc7..=0xc9 | 0xd4..=0xd8))
}

/// A place and its generation.
#[cold]
pub(super) fn malformed(offset: usize, problem: &'static str) -> LoadError {
    LoadErrorKind::Malformed { offset, problem }.into()
}
