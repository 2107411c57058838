//! A position in a stream.

use crate::{LoadError, LoadErrorKind};

/// Bytes, and how far they have been read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'de> {
    pub(super) bytes: &'de [u8],
    pub(super) pos: usize,
}

impl<'de> Cursor<'de> {
    /// How many bytes are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.pos)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, LoadError> {
        match self.bytes.get(self.pos) {
            Some(&byte) => {
                self.pos += 1;
                Ok(byte)
            }
            None => Err(truncated()),
        }
    }

    /// An integer of Marshal's own format, of up to four bytes.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, LoadError> {
        let head = i64::from(self.byte()? as i8);
        match head {
            0 => Ok(0),
            5.. => Ok(head - 5),
            ..=-5 => Ok(head + 5),
            _ => self.long_bytes(head),
        }
    }

    fn long_bytes(&mut self, head: i64) -> Result<i64, LoadError> {
        let count = head.unsigned_abs() as usize;
        let bytes = self.take(count)?;
        let mut padded = if head < 0 { [0xff; 8] } else { [0; 8] };
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(i64::from_le_bytes(padded))
    }

    /// A length or a number of a table.
    #[inline]
    pub(super) fn len(&mut self) -> Result<usize, LoadError> {
        let at = self.pos;
        match usize::try_from(self.long()?) {
            Ok(len) => Ok(len),
            Err(_) => Err(malformed(at, "a negative length")),
        }
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'de [u8], LoadError> {
        match self.bytes.get(self.pos..).and_then(|rest| rest.get(..len)) {
            Some(taken) => {
                self.pos += len;
                Ok(taken)
            }
            None => Err(truncated()),
        }
    }

    /// Bytes with their length before them.
    #[inline]
    pub(super) fn sized(&mut self) -> Result<&'de [u8], LoadError> {
        let len = self.len()?;
        self.take(len)
    }

    /// The number of values that are to follow, each of which has `each` bytes or more.
    #[inline]
    pub(super) fn count(&mut self, each: usize) -> Result<usize, LoadError> {
        let count = self.len()?;
        if count > self.left() / each {
            return Err(truncated());
        }
        Ok(count)
    }
}

#[cold]
pub(super) fn truncated() -> LoadError {
    LoadErrorKind::Truncated.into()
}

#[cold]
pub(super) fn malformed(offset: usize, problem: &'static str) -> LoadError {
    LoadErrorKind::Malformed { offset, problem }.into()
}
