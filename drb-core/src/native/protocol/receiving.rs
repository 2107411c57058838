//! What arrives, in the protocol: bytes become frames, and frames messages.

use super::{Called, Protocol, cut};
use crate::{
    Closed, Exception, Limit, Limits, LoadError,
    budget::exceeded,
    native::{
        frame::{self, ASKS, HEAD, Kind, MORE, malformed, take, take32},
        hello,
        inbox::{Inbox, TooMuch, Whole},
        promises::Unknown,
        tail,
    },
};
use std::{borrow::Cow, hint::cold_path, time::Instant};

/// What has become of the bytes that have arrived.
#[derive(Debug)]
pub enum Received {
    /// The next frame is not there as a whole: it takes at least so many bytes.
    Needs(usize),
    /// The next bytes are those of a large string, for which [`Protocol::lend`] has memory.
    Large,
    /// Frames of so many bytes, after which there is nothing to do.
    Nothing(usize),
    /// Frames of so many bytes that complete a call.
    Call(usize),
    /// Frames of so many bytes that complete a call which is not to be made, and why.
    Refused(usize, u32, Box<Exception>),
    /// Frames of so many bytes; the caller no longer wants what this call gives.
    Cancelled(usize, u32),
}

impl Received {
    /// The same with frames of so many bytes before it.
    fn after(self, taken: usize) -> Self {
        match self {
            Self::Needs(_) | Self::Large if taken > 0 => Self::Nothing(taken),
            Self::Large => Self::Large,
            Self::Needs(needs) => Self::Needs(needs),
            Self::Nothing(len) => Self::Nothing(taken + len),
            Self::Call(len) => Self::Call(taken + len),
            Self::Refused(len, id, exception) => Self::Refused(taken + len, id, exception),
            Self::Cancelled(len, id) => Self::Cancelled(taken + len, id),
        }
    }
}

impl Protocol {
    /// Takes the first frames of what has arrived: those after which there is nothing to do, and one
    /// more. If that is a call, it goes to `called`: it is large, and made where it stays.
    ///
    /// # Errors
    /// The peer doesn't follow the protocol: the connection is at its end.
    pub fn receive<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Instant,
        called: &mut Option<Called<'a>>,
    ) -> Result<Received, LoadError> {
        let mut taken = 0;
        self.now = Some(now);
        // Calls that have waited go before those that come.
        let received = match self.next_waited(called) {
            Some(waited) => {
                cold_path();
                self.sender.look();
                waited
            }
            None => loop {
                match self.receive_one(bytes.get(taken..).unwrap_or_default(), now, called)? {
                    Received::Nothing(len) => {
                        taken += len;
                        if taken == bytes.len() {
                            break Received::Nothing(taken);
                        }
                    }
                    other => break other.after(taken),
                }
            },
        };
        if matches!(received, Received::Call(..) | Received::Refused(..)) {
            self.promises.begun();
        }
        Ok(received)
    }

    /// Whether there is nothing to be [received](Self::receive) without more bytes, with which a frame begins.
    pub fn is_between_frames(&self) -> bool {
        !self.promises.has_ready() && self.inbox.reading().is_none()
    }

    fn receive_one<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Instant,
        called: &mut Option<Called<'a>>,
    ) -> Result<Received, LoadError> {
        if let Some(left) = self.inbox.reading() {
            cold_path();
            self.sender.look();
            return self.fill(bytes, left, called);
        }
        if bytes.first().is_some_and(|byte| byte & !(MORE | ASKS) == Kind::Tail.byte()) {
            cold_path();
            self.sender.look();
            return self.begin_tail(bytes);
        }
        let (byte, mut body) = match frame::split(bytes) {
            Ok((_, body)) if body.len() > self.limits.chunk_in => {
                return Err(malformed("a frame that is too long"));
            }
            Ok(frame) => frame,
            Err(needs) if needs > HEAD + self.limits.chunk_in => {
                return Err(malformed("a frame that is too long"));
            }
            Err(needs) => return Ok(Received::Needs(needs)),
        };
        let taken = HEAD + body.len();
        let kind = Kind::from_byte(byte).ok_or_else(|| malformed("a frame of an unknown kind"))?;
        if let Kind::Call | Kind::Result | Kind::Failure = kind {
            self.begun = true;
            self.manners.says_something();
            self.idle.stirs(now);
            return self.message(kind, byte, body, called);
        }
        cold_path();
        self.sender.look();
        let first = !std::mem::replace(&mut self.begun, true);
        self.manners.frame(kind, is_empty(kind, byte, body))?;
        if !matches!(kind, Kind::Ping | Kind::Pong | Kind::Idle) {
            self.idle.stirs(now);
        }
        match kind {
            // They are taken above.
            Kind::Call | Kind::Result | Kind::Failure => {}
            Kind::Chunk => {
                self.inbox.intake.take(body.len(), byte & ASKS != 0);
                self.tell_taken();
                let whole = self.inbox.piece(body, byte & MORE != 0)?;
                if let Some(whole) = whole {
                    return self.whole(taken, whole, called);
                }
            }
            Kind::Hello if first => hello::read(body)?,
            Kind::Hello => return Err(malformed("a hello behind other frames")),
            // It isn't read as a frame.
            Kind::Tail => return Err(malformed("a string in the wrong place")),
            Kind::Taken => {
                self.outbox.window.taken(take(&mut body)?, now)?;
            }
            Kind::Cancel => {
                let id = take32(&mut body)?;
                let in_part = self.inbox.forget_call(id);
                if in_part {
                    self.promises.unmade();
                } else {
                    self.manners.needless(now)?;
                }
                if in_part || self.forget_waiting(id) {
                    let refused = Exception::new("DRb::DRbConnError", "cancelled");
                    return Ok(Received::Refused(taken, id, Box::new(refused)));
                }
                return Ok(Received::Cancelled(taken, id));
            }
            Kind::Name => self.names.take_name(body)?,
            Kind::Method => self.names.take_method(body)?,
            Kind::Apart => self.names.take_apart(body, &self.tables)?,
            Kind::Shape => self.names.take_shape(body, &self.tables)?,
            Kind::Release => self.released(body)?,
            Kind::Gone => self.gone(body, Closed::Withdrawn)?,
            Kind::CutOff => self.gone(body, Closed::ConnectionLost)?,
            Kind::Promises => {
                while !body.is_empty() {
                    match self.promises.release(take(&mut body)?) {
                        Ok(kept) => self.let_go_kept(kept),
                        Err(Unknown) => self.manners.needless(now)?,
                    }
                }
            }
            Kind::Ping => {
                self.manners.pinged(now)?;
                let out = self.outbox.ready();
                let start = frame::open(out, Kind::Pong, 0);
                frame::close(out, start);
                self.sender.wake();
            }
            Kind::Pong => {}
            Kind::GoAway => {
                self.gone_away = true;
                self.calls.go_away(take(&mut body)?);
            }
            Kind::Idle => self.talk_of_idle(body, now)?,
            Kind::Close => {
                let why = String::from_utf8_lossy(body);
                self.closed = Some(cut(&why, self.limits.error_text).to_owned());
                return Err(malformed("the peer has ended the connection"));
            }
        }
        Ok(Received::Nothing(taken))
    }

    /// Takes a frame with which a message begins. Nearly all are the whole of one.
    #[inline]
    fn message<'a>(
        &mut self,
        kind: Kind,
        byte: u8,
        body: &'a [u8],
        called: &mut Option<Called<'a>>,
    ) -> Result<Received, LoadError> {
        let taken = HEAD + body.len();
        self.taken += u64::from(kind == Kind::Call);
        if byte != kind.byte() {
            cold_path();
            // It is a part, or refers to objects that are held from now on.
            self.sender.look();
        }
        if byte & MORE != 0 {
            cold_path();
            self.inbox.begin(kind, byte, body)?;
        } else if body.len() > self.limits.message {
            cold_path();
            let whole = Inbox::too_long(kind, byte, body)?;
            return self.whole(taken, whole, called);
        } else if kind == Kind::Call {
            return self.called(taken, byte, Cow::Borrowed(body), None, called);
        } else {
            self.answered(kind, byte, body, None)?;
        }
        Ok(Received::Nothing(taken))
    }

    /// A frame with bytes of a string begins: they go to where they are to be, not through a frame.
    fn begin_tail(&mut self, bytes: &[u8]) -> Result<Received, LoadError> {
        let Some((&[byte, a, b, c], rest)) = bytes.split_first_chunk() else {
            return Ok(Received::Needs(HEAD));
        };
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        // Which message it is for, and padding.
        let (key, before) = match tail::head(rest.get(..len).unwrap_or(rest)) {
            Ok(head) => head,
            Err(needs) if needs <= len => return Ok(Received::Needs(HEAD + needs)),
            Err(_) => return Err(LoadError::truncated()),
        };
        self.begun = true;
        let flags = (byte & MORE != 0, byte & ASKS != 0);
        self.manners.frame(Kind::Tail, before == len && flags.0)?;
        self.inbox.begin_tail(key, (before, len - before), flags)?;
        Ok(Received::Nothing(HEAD + before))
    }

    /// Takes bytes of a string, of which `left` are to come before the next frame.
    fn fill(
        &mut self,
        bytes: &[u8],
        left: usize,
        called: &mut Option<Called<'_>>,
    ) -> Result<Received, LoadError> {
        let bytes = bytes.get(..left).unwrap_or(bytes);
        if bytes.len() < left && bytes.is_empty() {
            return Ok(Received::Large);
        }
        self.inbox.fill(bytes);
        if bytes.len() < left {
            return Ok(Received::Nothing(bytes.len()));
        }
        let whole = self.inbox.end_tail()?;
        self.tell_taken();
        match whole {
            Some(whole) => self.whole(bytes.len(), whole, called),
            None => Ok(Received::Nothing(bytes.len())),
        }
    }

    fn whole(
        &mut self,
        taken: usize,
        whole: Whole,
        called: &mut Option<Called<'_>>,
    ) -> Result<Received, LoadError> {
        let Whole { kind, flags, id, body, tail } = whole;
        match (kind, body) {
            (Kind::Call, Ok(body)) => self.called(taken, flags, Cow::Owned(body), tail, called),
            (Kind::Call, Err(TooMuch { limit, found })) => {
                self.promises.unmade();
                self.refuse_found(found);
                let error = self.too_much(limit);
                Ok(Received::Refused(taken, id, Box::new((&error).into())))
            }
            (kind, Ok(body)) => {
                self.answered(kind, flags, body, tail)?;
                Ok(Received::Nothing(taken))
            }
            (_, Err(TooMuch { limit, found })) => {
                self.refuse_found(found);
                let error = self.too_much(limit);
                self.calls.arrived(id, Err(error));
                Ok(Received::Nothing(taken))
            }
        }
    }

    fn too_much(&self, limit: Limit) -> LoadError {
        let Limits { message, buffered, .. } = *self.limits;
        exceeded(limit, if limit == Limit::Buffered { buffered } else { message })
    }

    /// Memory to which the next bytes that arrive may be read, behind what is in it, and how many of
    /// them belong there: they are part of a large string. There is room for [`BEHIND`](crate::native::BEHIND)
    /// more, so that it shows when no more are there; those go to [`Protocol::receive`] as ever.
    ///
    /// It has to be given back with [`Protocol::lent`] before anything else is received.
    pub fn lend(&mut self) -> Option<(Vec<u8>, usize)> {
        self.inbox.lend()
    }

    /// Takes back what was lent, with `read` bytes more of the string in it. `receive` then goes on, even
    /// if there is nothing else for it.
    pub fn lent(&mut self, memory: Vec<u8>, read: usize) {
        self.inbox.lent(memory, read);
    }
}

/// Whether a frame that is no call and no answer says nothing.
fn is_empty(kind: Kind, byte: u8, mut body: &[u8]) -> bool {
    match kind {
        Kind::Chunk if byte & MORE != 0 => {
            body = body.get(1..).unwrap_or_default();
            take32(&mut body).is_ok() && body.is_empty()
        }
        Kind::Release | Kind::Gone | Kind::CutOff | Kind::Promises => body.is_empty(),
        Kind::Taken => take(&mut body) == Ok(0),
        _ => false,
    }
}
