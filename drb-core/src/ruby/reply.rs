//! A reply: whether the call has succeeded, then its result or its exception.

use super::{
    frame,
    scan::{Scan, Scanned},
};
use crate::{
    Dump, DumpError, Dumper, Exception, Limit, Limits, LoadError, LoadErrorKind, Session,
    budget::exceeded,
};
use std::ops::Range;

/// The frame that says that a result follows.
const TRUE: [u8; 7] = [0, 0, 0, 3, 4, 8, b'T'];

/// The frame that says that an exception follows.
const FALSE: [u8; 7] = [0, 0, 0, 3, 4, 8, b'F'];

/// Writes a reply with a result to the end of `out`.
///
/// # Errors
/// The result cannot be dumped; `out` is as it was.
pub fn success(
    out: &mut Vec<u8>,
    limits: &Limits,
    session: Option<&dyn Session>,
    dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let start = out.len();
    out.extend_from_slice(&TRUE);
    let mut written = frame::write(out, limits, session, dump);
    if written.is_ok() && out.len() - start > limits.message {
        written = Err(DumpError::limit(Limit::Message, limits.message));
    }
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Writes a reply with an exception to the end of `out`. A message longer than
/// [`Limits::error_text`] is cut, and an exception that holds what cannot be dumped goes without its
/// fields.
pub fn failure(
    out: &mut Vec<u8>,
    limits: &Limits,
    session: Option<&dyn Session>,
    exception: &Exception,
) {
    let start = out.len();
    out.extend_from_slice(&FALSE);
    let cut = exception.cut(limits.error_text);
    if frame::write(out, limits, session, |dumper| cut.dump(dumper)).is_ok() {
        return;
    }
    out.truncate(start + FALSE.len());
    let mut bare = Exception::new(cut.class.clone(), cut.message.clone());
    bare.refused = cut.refused;
    // Nothing but texts is in it, so no limit of the default ones can refuse it.
    if frame::write(out, &Limits::default(), None, |dumper| bare.dump(dumper)).is_err() {
        out.truncate(start + FALSE.len());
        frame::raw(out, b"\x04\x080");
    }
}

/// Finds the reply in what a server sends.
#[derive(Debug)]
pub struct ReplyReader {
    scan: Scan,
    success: Option<bool>,
    needs: usize,
}

/// A reply that has arrived.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyHead {
    /// Whether the call has succeeded.
    pub success: bool,
    /// Where the result or the exception is in the message: one Marshal stream.
    pub body: Range<usize>,
}

impl ReplyReader {
    /// Starts at the beginning of a reply.
    pub fn new(limits: &Limits) -> Self {
        Self { scan: Scan::new(limits), success: None, needs: 4 }
    }

    /// Looks for a whole reply in `bytes`, which are all that have arrived since the request was
    /// sent.
    ///
    /// # Errors
    /// What the server sends is no reply, or one that is too large.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<ReplyHead>, LoadError> {
        loop {
            let frame = match self.scan.next(bytes) {
                Scanned::Frame(frame) => frame,
                Scanned::Needs(len) => {
                    self.needs = len;
                    return Ok(None);
                }
                Scanned::TooLarge(len) if len > self.scan.frame => {
                    return Err(exceeded(Limit::Frame, self.scan.frame));
                }
                Scanned::TooLarge(_) => {
                    return Err(exceeded(Limit::Message, self.scan.message));
                }
            };
            match self.success {
                None => self.success = Some(truth(bytes.get(frame).unwrap_or_default())?),
                Some(success) => return Ok(Some(ReplyHead { success, body: frame })),
            }
        }
    }

    /// Whether what has arrived says that the call has succeeded, wherever the result is.
    pub fn has_succeeded(&self) -> bool {
        self.success == Some(true)
    }

    /// How many bytes the reply has at least, as far as that is known.
    pub fn needs(&self) -> usize {
        self.needs
    }
}

/// Ruby takes everything but `false` and `nil` as true.
fn truth(stream: &[u8]) -> Result<bool, LoadError> {
    match stream {
        [4, 0..=8, b'F' | b'0'] => Ok(false),
        [4, 0..=8, _, ..] => Ok(true),
        _ => {
            let problem = "a reply begins with true or false";
            Err(LoadErrorKind::Malformed { offset: 0, problem }.into())
        }
    }
}
