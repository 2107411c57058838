//! Large strings, which travel beside their messages.
//!
//! Where a message ends with a string of many bytes, only its length is among the message's own. The
//! bytes follow in frames that hold nothing else: they are written from where the sender has them, and
//! read to where the receiver's method is going to have them, so that neither side copies them.

use super::frame::{MOST, take32};
use bytes::{Buf, Bytes};
use std::sync::{Arc, Mutex, PoisonError};

/// Strings of at least so many bytes travel beside the message.
pub(super) const LARGE: usize = 16 << 10;

/// So many bytes more than are known to be coming there is room for where they are read to: where a
/// system gives fewer bytes than there is room for, nothing more is there, which spares asking.
pub const BEHIND: usize = 64;

/// Before a string of unknown bytes stands its length, in so many bytes.
pub(super) const CLAIM: usize = 5;

/// The string at the end of a message that has arrived.
#[derive(Debug)]
pub struct Tail {
    len: usize,
    /// Whoever loads it takes it.
    bytes: Mutex<Option<Bytes>>,
}

impl Tail {
    pub(super) fn new(bytes: Bytes) -> Arc<Self> {
        Arc::new(Self { len: bytes.len(), bytes: Mutex::new(Some(bytes)) })
    }

    /// How many bytes it has, or had before it was taken. There are some.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub(super) fn take(&self) -> Option<Bytes> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Bytes of a string that are to be written next, behind the frames that were given with them.
#[derive(Debug)]
pub struct Piece(pub(super) Bytes);

impl Piece {
    /// What is left to be written of it.
    pub fn rest(&self) -> &[u8] {
        &self.0
    }

    /// So many bytes more have been written.
    pub fn advance(&mut self, written: usize) {
        self.0.advance(written.min(self.0.len()));
    }

    /// The memory of the string, if nobody else has it any more.
    pub(super) fn into_memory(mut self) -> Option<Vec<u8>> {
        self.0.advance(self.0.len());
        self.0.is_unique().then(|| self.0.into())
    }
}

/// What a message says of the string that is to follow it: its length.
pub(super) fn claim(body: &[u8]) -> Option<usize> {
    match *body.last_chunk::<CLAIM>()? {
        [0xc6 | 0xdb, a, b, c, d] => usize::try_from(u32::from_be_bytes([a, b, c, d])).ok(),
        _ => None,
    }
}

/// How many bytes of a string go into one frame, if messages are sent in pieces of `chunk` bytes. What
/// has a buffer of its own can be sent in larger ones: the fewer they are, the more is written and read at once.
/// (They are measured: 1 MiB goes twice as fast in pieces of 768 KiB as of 256 KiB.)
pub(super) fn piece(chunk: usize) -> usize {
    let most = chunk.saturating_mul(24).min(MOST) - HEAD_ROOM;
    most - most % ALIGNED
}

/// What stands before the bytes in their frame has room in so many.
const HEAD_ROOM: usize = 32;

/// A string's bytes begin at a multiple of this from where a write begins, as they do in memory. Where
/// the system copies to a place that is a few bytes further into its page than where it copies from, it
/// takes processors four times as long.
const ALIGNED: usize = 16;

/// Writes the padding that lets the bytes begin where they should: how much it is, and so many zeros.
pub(super) fn pad(out: &mut Vec<u8>) {
    let padding = (ALIGNED - (out.len() + 1) % ALIGNED) % ALIGNED;
    out.push(padding as u8);
    out.resize(out.len() + padding, 0);
}

/// What stands before the bytes in their frame: the message that they belong to, and its own length.
/// `Err` with how many bytes it takes at least, if they aren't there.
pub(super) fn head(frame: &[u8]) -> Result<((bool, u32), usize), usize> {
    let needs = frame.len() + 1;
    let (which, mut rest) = frame.split_first().ok_or(needs)?;
    let id = take32(&mut rest).map_err(|_| needs)?;
    let (padding, rest) = rest.split_first().ok_or(needs)?;
    let before = frame.len() - rest.len() + usize::from(*padding);
    if before > frame.len() { Err(before) } else { Ok(((*which != 0, id), before)) }
}
