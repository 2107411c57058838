//! Frames: what a connection of the native wire is cut into.
//!
//! A frame is a byte that says what it is, a length of three bytes (most significant first), and so
//! many bytes. Numbers within are of seven bits a byte, least significant first; the highest bit says
//! that more follow.

use crate::{LoadError, LoadErrorKind};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// What the sender can. Nothing comes before it.
    Hello = 0x01,
    /// The next number of the sender's methods means this name.
    Name = 0x02,
    /// The next number of the sender's shapes means this shape.
    Shape = 0x03,
    /// The next number of the sender's methods means this one, with what the sender knows of it.
    Method = 0x04,
    /// What the sender knows of a method of the receiver's, which is something else.
    Apart = 0x05,
    /// A call.
    Call = 0x10,
    /// The result of a call.
    Result = 0x11,
    /// The exception of a call.
    Failure = 0x12,
    /// More of a call, a result or an exception.
    Chunk = 0x13,
    /// The sender of a call no longer wants its result.
    Cancel = 0x14,
    /// Bytes of the string at the end of a message.
    Tail = 0x15,
    /// The sender has taken so many bytes of chunks and tails.
    Taken = 0x16,
    /// Objects of the receiver's that the sender no longer holds.
    Release = 0x20,
    /// Objects of the sender's that can no longer be called, although the receiver holds them.
    Gone = 0x21,
    /// Promises of the sender's whose objects it calls no more.
    Promises = 0x22,
    /// Objects of third processes that were handed on, to which the sender has lost its way.
    CutOff = 0x23,
    /// The receiver is to answer with `Pong`.
    Ping = 0x30,
    /// The answer.
    Pong = 0x31,
    /// The sender takes no further calls.
    GoAway = 0x32,
    /// Why the sender ends the connection. Nothing comes after it.
    Close = 0x34,
    /// Whether the connection is needed.
    Idle = 0x35,
}

/// The byte of a frame: its kind, and these.
pub(super) const MORE: u8 = 0x80;
/// The message holds references.
pub(super) const REFERENCES: u8 = 0x40;
/// Of a chunk or a tail: the receiver is to say when it has taken it.
pub(super) const ASKS: u8 = 0x40;

/// The bytes before what is in a frame.
pub(super) const HEAD: usize = 4;

/// The most that a length of three bytes can say.
pub(super) const MOST: usize = (1 << 24) - 1;

impl Kind {
    /// The byte without flags.
    #[inline]
    pub(super) fn byte(self) -> u8 {
        self as u8
    }

    #[inline]
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte & !(MORE | REFERENCES) {
            0x01 => Self::Hello,
            0x02 => Self::Name,
            0x03 => Self::Shape,
            0x04 => Self::Method,
            0x05 => Self::Apart,
            0x10 => Self::Call,
            0x11 => Self::Result,
            0x12 => Self::Failure,
            0x13 => Self::Chunk,
            0x14 => Self::Cancel,
            0x15 => Self::Tail,
            0x16 => Self::Taken,
            0x20 => Self::Release,
            0x21 => Self::Gone,
            0x22 => Self::Promises,
            0x23 => Self::CutOff,
            0x30 => Self::Ping,
            0x31 => Self::Pong,
            0x32 => Self::GoAway,
            0x34 => Self::Close,
            0x35 => Self::Idle,
            _ => return None,
        })
    }
}

/// Begins a frame at the end of `out`; [`close`] ends it.
pub(super) fn open(out: &mut Vec<u8>, kind: Kind, flags: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&[kind.byte() | flags, 0, 0, 0]);
    start
}

/// Fills in the length of the frame that was opened at `start`.
pub(super) fn close(out: &mut [u8], start: usize) {
    close_before(out, start, 0);
}

/// The same where so many bytes of the frame are going to follow.
pub(super) fn close_before(out: &mut [u8], start: usize, following: usize) {
    let len = (out.len().saturating_sub(start + HEAD) + following).min(MOST) as u32;
    let [_, a, b, c] = len.to_be_bytes();
    if let Some(place) = out.get_mut(start + 1..start + HEAD) {
        place.copy_from_slice(&[a, b, c]);
    }
}

/// The first frame of `bytes`: its first byte and what is in it. `Err` with the number of bytes that
/// it takes at least, if it isn't there as a whole.
pub(super) fn split(bytes: &[u8]) -> Result<(u8, &[u8]), usize> {
    let Some(&[byte, a, b, c]) = bytes.first_chunk() else { return Err(HEAD) };
    let end = HEAD + u32::from_be_bytes([0, a, b, c]) as usize;
    bytes.get(HEAD..end).map(|body| (byte, body)).ok_or(end)
}

/// Writes a number.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number from the beginning of `bytes`.
#[inline]
pub(super) fn take(bytes: &mut &[u8]) -> Result<u64, LoadError> {
    if let Some((byte @ 0..=0x7f, rest)) = bytes.split_first() {
        *bytes = rest;
        return Ok(u64::from(*byte));
    }
    take_long(bytes)
}

fn take_long(bytes: &mut &[u8]) -> Result<u64, LoadError> {
    // Most of them, such as those of milliseconds, have three bytes.
    if let Some((&[a, b, c @ 0..0x80], rest)) = bytes.split_first_chunk()
        && b >= 0x80
    {
        *bytes = rest;
        return Ok(u64::from(a & 0x7f) | u64::from(b & 0x7f) << 7 | u64::from(c) << 14);
    }
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or_else(LoadError::truncated)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(malformed("a number of more than 64 bits"))
}

/// Takes a number of 32 bits.
#[inline]
pub(super) fn take32(bytes: &mut &[u8]) -> Result<u32, LoadError> {
    let number = take(bytes)?;
    u32::try_from(number).map_err(|_| malformed("a number of more than 32 bits"))
}

/// Writes a text.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Takes a text.
pub(super) fn take_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, LoadError> {
    let len = usize::try_from(take(bytes)?).unwrap_or(usize::MAX);
    let (text, rest) = bytes.split_at_checked(len).ok_or_else(LoadError::truncated)?;
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| malformed("a text in no UTF-8"))
}

/// What a peer sends that doesn't follow the protocol.
#[cold]
pub(super) fn malformed(problem: &'static str) -> LoadError {
    LoadErrorKind::Malformed { offset: 0, problem }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put(&mut out, number);
            let mut rest = out.as_slice();
            assert_eq!(take(&mut rest), Ok(number));
            assert!(rest.is_empty());
            assert!(take(&mut &out[..out.len() - 1]).is_err());
        }
    }

    #[test]
    fn frames_come_back() {
        let mut out = Vec::new();
        let start = open(&mut out, Kind::Call, MORE);
        out.extend_from_slice(b"body");
        close(&mut out, start);
        assert_eq!(split(&out), Ok((0x90, &b"body"[..])));
        assert_eq!(split(&out[..7]), Err(8));
        assert_eq!(split(&out[..3]), Err(4));
        let known = (0..=0x3f).filter_map(|byte| Some((byte, Kind::from_byte(byte)?)));
        assert_eq!(known.clone().count(), 21);
        for (byte, kind) in known {
            assert_eq!((kind.byte(), Kind::from_byte(byte | MORE)), (byte, Some(kind)));
        }
        assert_eq!(Kind::from_byte(0), None);
    }
}
