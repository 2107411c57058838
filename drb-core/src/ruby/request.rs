//! A request: the reference, the method's name, the number of arguments, the arguments, the block.

use super::{
    frame,
    scan::{Scan, Scanned},
};
use crate::{
    DumpError, Dumper, Exception, Kind, Limit, Limits, LoadError, LoadErrorKind, Loader, ObjectId,
    Reference, Session,
};
use std::{ops::Range, sync::Arc};

/// Writes what comes before the arguments.
///
/// # Errors
/// More arguments than [`Limits::arguments`], and what else [`DumpError`] says.
pub fn begin(
    out: &mut Vec<u8>,
    reference: &Reference,
    method: &str,
    count: usize,
    limits: &Limits,
) -> Result<(), DumpError> {
    if count > limits.arguments {
        return Err(DumpError::limit(Limit::Arguments, limits.arguments));
    }
    match reference.id() {
        ObjectId::Front => frame::nil_frame(out),
        id => frame::write(out, limits, None, |dumper| dumper.object_id(id))?,
    }
    write_name(out, method);
    frame::int_frame(out, u32::try_from(count).unwrap_or(u32::MAX));
    Ok(())
}

/// Writes what comes after the arguments: the block.
///
/// # Errors
/// The request is longer than [`Limits::message`].
pub fn end(out: &mut Vec<u8>, block: Option<&Reference>, limits: &Limits) -> Result<(), DumpError> {
    match block {
        Some(block) => frame::write(out, limits, None, |dumper| dumper.reference(block))?,
        None => frame::nil_frame(out),
    }
    if out.len() > limits.message {
        return Err(DumpError::limit(Limit::Message, limits.message));
    }
    Ok(())
}

/// Writes the only argument of a call of a block. An array goes in a way of its own (Ruby's
/// `DRb::DRbArray`), so that the block can take it apart.
///
/// # Errors
/// What `dump` says.
pub fn yields(
    out: &mut Vec<u8>,
    limits: &Limits,
    session: Option<&dyn Session>,
    dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    const CLASS: &[u8] = b"DRb::DRbArray";
    let start = out.len();
    frame::write(out, limits, session, dump)?;
    if !matches!(out.get(start + 4..), Some([_, _, b'[', ..])) {
        return Ok(());
    }
    let stream = out.split_off((start + 4).min(out.len()));
    out.truncate(start);
    let start = frame::open(out);
    out.extend_from_slice(&[4, 8, b'u', b':']);
    frame::int(out, u32::try_from(CLASS.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(CLASS);
    frame::int(out, u32::try_from(stream.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(&stream);
    frame::close(out, start);
    Ok(())
}

/// Ruby sends the name as a String with the encoding US-ASCII where that is enough.
fn write_name(out: &mut Vec<u8>, name: &str) {
    let start = frame::open(out);
    out.extend_from_slice(&[4, 8, b'I', b'"']);
    frame::int(out, u32::try_from(name.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&[6, b':', 6, b'E', if name.is_ascii() { b'F' } else { b'T' }]);
    frame::close(out, start);
}

/// Finds the requests in what a client sends.
///
/// It is given all the bytes that have arrived and that no earlier request has used up; it
/// remembers how far it has looked, so that no byte is looked at twice.
///
/// ```
/// use drb_core::{Limits, ruby::RequestReader};
///
/// // nil ¦ "to_s" ¦ 0 ¦ nil
/// let bytes = b"\0\0\0\x03\x04\x080\0\0\0\x0e\x04\x08I\"\x09to_s\x06:\x06EF\
///               \0\0\0\x04\x04\x08i\0\0\0\0\x03\x04\x080";
/// let mut reader = RequestReader::new(&Limits::default());
/// assert_eq!(reader.advance(&bytes[..20]).unwrap(), None);
/// let request = reader.advance(bytes).unwrap().unwrap();
/// assert_eq!(request.method, "to_s");
/// assert_eq!(request.len, bytes.len());
/// ```
#[derive(Debug)]
pub struct RequestReader {
    limits: Limits,
    scan: Scan,
    head: Option<RequestHead>,
    expected: usize,
    needs: usize,
}

/// A request that has arrived: what of it is decoded before its method is known, and where the
/// rest is.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestHead {
    /// Whose method is called.
    pub target: ObjectId,
    /// The method's name.
    pub method: String,
    /// Where the arguments are in the message, one Marshal stream each.
    pub args: Vec<Range<usize>>,
    /// Where the block is: `nil`, or a reference to it.
    pub block: Range<usize>,
    /// The length of the whole message, after which the next one begins.
    pub len: usize,
}

/// What a client sends is not a request, or one that is not accepted. The client is told, then the
/// connection is at its end, since nobody knows where the next request would begin.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Broken {
    /// What to tell the client.
    pub exception: Exception,
}

impl RequestReader {
    /// Starts at the beginning of a request.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: *limits, scan: Scan::new(limits), head: None, expected: 0, needs: 4 }
    }

    /// Looks for a whole request at the start of `bytes`. After it, `bytes` has to begin behind it.
    ///
    /// # Errors
    /// There is none, and none will come.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<RequestHead>, Broken> {
        loop {
            let frame = match self.scan.next(bytes) {
                Scanned::Frame(frame) => frame,
                Scanned::Needs(len) => {
                    self.needs = len;
                    return Ok(None);
                }
                Scanned::TooLarge(len) => return Err(self.too_large(len)),
            };
            let stream = bytes.get(frame.clone()).unwrap_or_default();
            if self.frame(frame, stream)?
                && let Some(mut head) = self.head.take()
            {
                head.len = self.scan.position();
                (self.scan, self.expected, self.needs) = (Scan::new(&self.limits), 0, 4);
                return Ok(Some(head));
            }
        }
    }

    /// How many bytes the request has at least, as far as that is known.
    pub fn needs(&self) -> usize {
        self.needs
    }

    /// What to tell a client that closes after `bytes`; `None` if it does so between two requests,
    /// or between two frames of one.
    pub fn closed(&self, bytes: &[u8]) -> Option<Broken> {
        let problem = self.scan.cut(bytes)?;
        Some(Broken::new("DRb::DRbConnError", problem))
    }

    /// Takes the next frame, and says whether it was the last one.
    fn frame(&mut self, frame: Range<usize>, stream: &[u8]) -> Result<bool, Broken> {
        match &mut self.head {
            None => {
                self.head = Some(RequestHead {
                    target: read_reference(stream, &self.limits)?,
                    method: String::new(),
                    args: Vec::new(),
                    block: 0..0,
                    len: 0,
                });
                // The name and the number of arguments are still to come.
                self.expected = 2;
            }
            Some(head) if self.expected == 2 => {
                head.method = read_name(stream, &self.limits)?;
                self.expected = 1;
            }
            Some(head) if self.expected == 1 => {
                let count = read_count(stream, &self.limits)?;
                head.args.reserve_exact(count);
                self.expected = count + 3;
            }
            // The block is what comes after the last argument.
            Some(head) if head.args.len() + 3 == self.expected => {
                head.block = frame;
                return Ok(true);
            }
            Some(head) => head.args.push(frame),
        }
        Ok(false)
    }

    fn too_large(&self, len: usize) -> Broken {
        let limit = if len > self.limits.frame { Limit::Frame } else { Limit::Message };
        // The text is Ruby's.
        Broken::limit(limit, format!("too large packet {len}"))
    }
}

impl Broken {
    fn new(class: &'static str, message: impl Into<String>) -> Self {
        let mut exception = Exception::new(class, message);
        exception.refused = true;
        Self { exception }
    }

    fn limit(limit: Limit, message: impl Into<String>) -> Self {
        let mut broken = Self::new("DRb::DRbConnError", message);
        broken.exception = broken.exception.with("limit", limit.name());
        broken
    }

    fn load(error: &LoadError) -> Self {
        let mut exception = Exception::from(error);
        exception.refused = true;
        Self { exception }
    }
}

/// A reference is `nil`, an Integer, a name, or anything else, which no object of ours has as its
/// id but which is no error of the protocol.
fn read_reference(stream: &[u8], limits: &Limits) -> Result<ObjectId, Broken> {
    if let [4, 8, b'0'] = stream {
        return Ok(ObjectId::Front);
    }
    let id = match open(stream, limits)? {
        Some(mut loader) => loader.object_id().ok(),
        None => None,
    };
    Ok(id.unwrap_or_else(|| ObjectId::Opaque(Arc::from(stream))))
}

fn read_name(stream: &[u8], limits: &Limits) -> Result<String, Broken> {
    if let Some(name) = usual_name(stream) {
        return Ok(name.to_owned());
    }
    let name = match open(stream, limits)? {
        Some(mut loader) => loader.str().ok().map(std::borrow::Cow::into_owned),
        None => None,
    };
    // What Ruby says of what isn't a name.
    name.ok_or_else(|| {
        Broken::new("NoMethodError", "undefined method 'intern' for what was sent as a name")
    })
}

/// The name in the form in which every client sends it: a String with an encoding, and a length of
/// one byte.
fn usual_name(stream: &[u8]) -> Option<&str> {
    let rest = stream.strip_prefix(b"\x04\x08I\"")?;
    let (len, rest) = rest.split_first()?;
    let len = usize::from(*len).checked_sub(5).filter(|len| (1..=122).contains(len))?;
    match rest.split_at_checked(len)? {
        (name, b"\x06:\x06ET" | b"\x06:\x06EF") => std::str::from_utf8(name).ok(),
        _ => None,
    }
}

fn read_count(stream: &[u8], limits: &Limits) -> Result<usize, Broken> {
    let count = match usual_count(stream) {
        Some(count) => Some(count),
        None => any_count(stream, limits)?,
    };
    let Some(count) = count else {
        return Err(Broken::new("ArgumentError", "the number of arguments is no Integer"));
    };
    match usize::try_from(count) {
        Err(_) => Err(Broken::new("ArgumentError", "negative array size")),
        Ok(count) if count > limits.arguments => {
            Err(Broken::limit(Limit::Arguments, "too many arguments"))
        }
        Ok(count) => Ok(count),
    }
}

/// A number of one byte.
fn usual_count(stream: &[u8]) -> Option<i64> {
    match stream {
        [4, 8, b'i', 0] => Some(0),
        [4, 8, b'i', count @ 6..=127] => Some(i64::from(count - 5)),
        _ => None,
    }
}

fn any_count(stream: &[u8], limits: &Limits) -> Result<Option<i64>, Broken> {
    Ok(match open(stream, limits)? {
        Some(mut loader) => match loader.kind() {
            Ok(Kind::Int) => loader.i64().ok(),
            _ => None,
        },
        None => None,
    })
}

/// Opens a stream. `None` if there is nothing in it that could be opened; an error if it is not
/// Marshal at all.
fn open<'a>(stream: &'a [u8], limits: &Limits) -> Result<Option<Loader<'a>>, Broken> {
    match Loader::marshal(stream, limits, None) {
        Ok(loader) => Ok(Some(loader)),
        Err(error) if *error.kind() == LoadErrorKind::Truncated => Ok(None),
        Err(error) => Err(Broken::load(&error)),
    }
}
