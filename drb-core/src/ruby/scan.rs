//! Finds the frames of a message in what has arrived so far.

use crate::Limits;
use std::ops::Range;

/// Where the search for frames stands. Positions are counted from the start of the message.
#[derive(Debug)]
pub(super) struct Scan {
    /// Where the next frame begins.
    at: usize,
    /// [`Limits::frame`] and [`Limits::message`].
    pub(super) frame: usize,
    pub(super) message: usize,
}

/// A frame, or what is in its way.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// The whole frame has arrived; its stream is there.
    Frame(Range<usize>),
    /// The message has to have at least this many bytes for the frame to be whole.
    Needs(usize),
    /// The frame, or the message with it, is longer than is allowed: this many bytes.
    TooLarge(usize),
}

impl Scan {
    /// Starts at the beginning of a message.
    pub(super) fn new(limits: &Limits) -> Self {
        let Limits { frame, message, .. } = *limits;
        Self { at: 0, frame, message }
    }

    /// The next frame. `bytes` is the message from its start.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Scanned {
        let body = self.at + 4;
        let Some(&[a, b, c, d]) = bytes.get(self.at..body).and_then(|head| head.first_chunk())
        else {
            return Scanned::Needs(body);
        };
        // The claim is checked before anything is read or allocated for it.
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if len > self.frame || len > self.message.saturating_sub(body) {
            return Scanned::TooLarge(len);
        }
        let end = body + len;
        if bytes.len() < end {
            return Scanned::Needs(end);
        }
        self.at = end;
        Scanned::Frame(body..end)
    }

    /// The end of the last frame found, which is the length of the message so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Whether `bytes`, at whose end the peer has closed, end within a frame's length or body, and
    /// then what Ruby says to that.
    pub(super) fn cut(&self, bytes: &[u8]) -> Option<&'static str> {
        match bytes.len().saturating_sub(self.at) {
            0 => None,
            1..4 => Some("premature header"),
            _ => Some("premature marshal format(can't read)"),
        }
    }
}
