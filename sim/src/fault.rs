//! Faults that are planted on purpose, so that it is seen whether the checker finds them: a transport
//! that does to the frames of the wire what the code of drb must never do.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

/// What is done to the frames of a client's connections. docs/native.md describes the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Calls are sent twice.
    RepeatedCall,
    /// Two calls change places.
    SwappedCalls,
    /// Releases are lost.
    LostRelease,
    /// Releases are sent twice, under another count.
    EarlyRelease,
    /// Answers are lost.
    LostAnswer,
    /// Two batches of items change places: each is the answer to the other's call.
    SwappedBatches,
    /// In place of an answer, the peer claims to have taken no call, and is gone.
    WrongOutcome,
}

/// A connection that takes little at once, perhaps with somebody in its middle.
pub(crate) struct Tampered {
    inner: Arc<Socket>,
    planted: Option<Planted>,
    /// So many bytes are sent at once.
    slice: usize,
    sent: Frames,
    received: Frames,
    /// A call that waits for the next one, which is to go first; or a batch.
    waits: Vec<u8>,
    ended: bool,
}

/// Bytes of one direction.
#[derive(Default)]
struct Frames {
    greeted: bool,
    /// What has come.
    input: Vec<u8>,
    /// What goes on.
    output: Vec<u8>,
}

const PREAMBLE: usize = 8;
const CALL: u8 = 0x10;
const RESULT: u8 = 0x11;
const RELEASE: u8 = 0x20;
const GO_AWAY: [u8; 5] = [0x32, 0, 0, 1, 0];
/// What is added to a frame's kind.
const FLAGS: u8 = 0x80 | 0x40;
const MORE: u8 = 0x80;

impl Frames {
    /// The next frame as a whole.
    fn next(&mut self) -> Option<Vec<u8>> {
        if !self.greeted {
            if self.input.len() < PREAMBLE {
                return None;
            }
            self.greeted = true;
            self.output.extend(self.input.drain(..PREAMBLE));
        }
        let [_, high, middle, low] = *self.input.first_chunk::<4>()?;
        let len = 4 + u32::from_be_bytes([0, high, middle, low]) as usize;
        (self.input.len() >= len).then(|| self.input.drain(..len).collect())
    }
}

/// Whether it is a whole frame of a kind, with or without references in it.
fn is(frame: &[u8], kind: u8) -> bool {
    frame[0] & MORE == 0 && frame[0] & !FLAGS == kind
}

/// Whether it is the answer to a call with a number of one byte, and its value an array that begins with
/// `true`.
fn is_batch(frame: &[u8]) -> bool {
    let batch = matches!(frame.get(4..), Some([0..0x80, 0xdd, _, _, _, _, 0xc3, ..]));
    batch && is(frame, RESULT)
}

/// The connections of a host, in the order in which they were made.
#[derive(Clone, Default)]
pub(crate) struct Wires(Arc<Mutex<Vec<Weak<Socket>>>>);

/// A connection of a host, as long as the host lives.
type Socket = Mutex<Option<TcpStream>>;

impl Wires {
    /// Closes all of them, as the system does it for a process that is killed.
    pub(crate) fn cut(&self) {
        for stream in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let stream = stream.upgrade();
            drop(stream.and_then(|stream| lock(&stream).take()));
        }
    }
}

fn lock(stream: &Socket) -> MutexGuard<'_, Option<TcpStream>> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with the stream, if the host lives.
fn with<T>(
    stream: &Socket,
    run: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
) -> Poll<io::Result<T>> {
    match &mut *lock(stream) {
        Some(stream) => run(Pin::new(stream)),
        None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
    }
}

impl Tampered {
    pub(crate) fn new(
        stream: TcpStream,
        wires: &Wires,
        planted: Option<Planted>,
        slice: usize,
    ) -> Self {
        let inner = Arc::new(Mutex::new(Some(stream)));
        wires.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&inner));
        let (sent, received) = Default::default();
        Self { inner, planted, slice, sent, received, waits: Vec::new(), ended: false }
    }

    fn tamper_with_sent(&mut self) {
        while let Some(frame) = self.sent.next() {
            let output = &mut self.sent.output;
            match self.planted {
                Some(Planted::RepeatedCall) if is(&frame, CALL) => {
                    output.extend_from_slice(&frame);
                    output.extend_from_slice(&frame);
                }
                Some(Planted::SwappedCalls) if is(&frame, CALL) => {
                    if self.waits.is_empty() {
                        self.waits = frame;
                    } else {
                        output.extend_from_slice(&frame);
                        output.append(&mut self.waits);
                    }
                }
                Some(Planted::LostRelease) if is(&frame, RELEASE) => {}
                Some(Planted::EarlyRelease) if is(&frame, RELEASE) => {
                    output.extend_from_slice(&frame);
                    output.extend_from_slice(&frame);
                }
                _ => output.extend_from_slice(&frame),
            }
        }
    }

    fn tamper_with_received(&mut self) {
        while let Some(frame) = self.received.next() {
            let output = &mut self.received.output;
            match self.planted {
                Some(Planted::LostRelease) if is(&frame, RELEASE) => {}
                Some(Planted::LostAnswer) if is(&frame, RESULT) => {}
                Some(Planted::SwappedBatches) => {
                    let mut first = std::mem::take(&mut self.waits);
                    match (is_batch(&frame), first.is_empty()) {
                        (true, true) => self.waits = frame,
                        (true, false) => {
                            let mut second = frame;
                            std::mem::swap(&mut first[4], &mut second[4]);
                            output.extend_from_slice(&first);
                            output.extend_from_slice(&second);
                        }
                        (false, _) => {
                            output.extend_from_slice(&first);
                            output.extend_from_slice(&frame);
                        }
                    }
                }
                Some(Planted::WrongOutcome) if is(&frame, RESULT) && !self.ended => {
                    output.extend_from_slice(&GO_AWAY);
                    self.ended = true;
                }
                _ if self.ended => {}
                _ => output.extend_from_slice(&frame),
            }
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.sent.output.is_empty() {
            let written =
                ready!(with(&self.inner, |inner| inner.poll_write(context, &self.sent.output)))?;
            self.sent.output.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Tampered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.planted.is_none() {
            return with(&self.inner, |inner| inner.poll_read(context, buffer));
        }
        while self.received.output.is_empty() {
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            let mut bytes = [0; 4096];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(with(&self.inner, |inner| inner.poll_read(context, &mut read)))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.received.input.extend_from_slice(read.filled());
            self.tamper_with_received();
        }
        let len = self.received.output.len().min(buffer.remaining());
        buffer.put_slice(&self.received.output[..len]);
        self.received.output.drain(..len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tampered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.planted.is_none() {
            let slice = &bytes[..bytes.len().min(self.slice)];
            return with(&self.inner, |inner| inner.poll_write(context, slice));
        }
        self.sent.input.extend_from_slice(bytes);
        self.tamper_with_sent();
        match self.poll_send(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        with(&self.inner, |inner| inner.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        with(&self.inner, |inner| inner.poll_shutdown(context))
    }
}
