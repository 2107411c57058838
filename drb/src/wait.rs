//! Reading and writing with an end to the waiting.

use crate::{net::Stream, timer::Timer};
use bytes::BufMut;
use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};

/// What is read at once, if no more is known to be coming.
pub(crate) const CHUNK: usize = 4 << 10;

/// The same on a connection on which there was never more. It is as much as allocators have at hand.
const LITTLE: usize = 1000;

/// The most memory that is taken in advance because a peer claims that so much is coming. After
/// that, what is taken doubles as it is filled.
const AHEAD: usize = 64 << 10;

/// What comes behind a refusal is read and forgotten, so that the peer gets to read it: up to so many
/// bytes, for so long.
const LINGER: (usize, Duration) = (64 << 20, Duration::from_secs(2));

/// Why reading or writing has ended early.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The time is up.
    TimedOut,
    /// The connection is broken.
    Io(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Empties a buffer, and gives it back if a large message has made it larger than is to be kept.
pub(crate) fn clear(buffer: &mut Vec<u8>, keep: usize) {
    buffer.clear();
    if buffer.capacity() > keep {
        *buffer = Vec::new();
    }
}

/// Makes room for the next read into `buffer`, of which at least `needs` bytes are to be.
pub(crate) fn make_room(buffer: &mut Vec<u8>, needs: usize) {
    let missing = needs.saturating_sub(buffer.len());
    if buffer.capacity() - buffer.len() >= missing.max(LITTLE / 2) {
        return;
    }
    let chunk = if buffer.capacity() < LITTLE { LITTLE } else { CHUNK };
    let room = missing.min(buffer.len().max(AHEAD)).max(chunk);
    if buffer.capacity() - buffer.len() < room {
        // Exactly: it doubles already, and never goes beyond what the peer says is coming.
        buffer.reserve_exact(room);
    }
}

/// Reads once, to the end of `buffer`; 0 is the peer's end.
pub(crate) fn poll_read(
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    // tokio's future for this keeps nothing between two polls, and lends the buffer's memory to the
    // system without filling it with zeros first.
    let read = ready!(pin!(stream.read_buf(buffer)).poll(context));
    has_read(buffer);
    Poll::Ready(read)
}

/// There was more than before: it may be so again.
fn has_read(buffer: &mut Vec<u8>) {
    if buffer.len() == buffer.capacity() && buffer.len() < CHUNK {
        buffer.reserve_exact(CHUNK);
    }
}

/// The same of what has come by now, a little of it, although the runtime may not have been told of it. Where there is
/// nothing, or the system doesn't know it, the runtime is to be asked.
pub(crate) fn read_now(stream: &Stream, buffer: &mut Vec<u8>) -> Option<usize> {
    let before = buffer.len();
    buffer.resize(buffer.capacity().min(before + 2 * CHUNK), 0);
    let read = stream.read_now(buffer.get_mut(before..).unwrap_or_default());
    let read = read.and_then(Result::ok).unwrap_or(0);
    buffer.truncate(before + read);
    has_read(buffer);
    Some(read).filter(|read| *read > 0)
}

/// The same, but at most so many bytes.
pub(crate) fn poll_read_some(
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
    most: usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut buffer = buffer.limit(most);
    pin!(stream.read_buf(&mut buffer)).poll(context)
}

/// Writes at least the first `least` of `bytes` before `until`, and more if the system takes it at
/// once; gives how many bytes it was. It can be dropped, but what has been written is then not known.
pub(crate) async fn write(
    stream: &mut Stream,
    bytes: &[u8],
    least: usize,
    timer: &mut Timer,
    until: Option<Instant>,
) -> Result<usize, Ended> {
    let mut written = 0;
    poll_fn(|context| {
        while let Some(rest) = bytes.get(written..)
            && written < least
        {
            match Pin::new(&mut *stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(Ended::Io(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Ended::Io(error))),
                Poll::Pending => {
                    if let Some(until) = until {
                        ready!(timer.poll(until, context));
                        return Poll::Ready(Err(Ended::TimedOut));
                    }
                    return Poll::Pending;
                }
            }
        }
        // Sockets keep nothing back, but a transport of the program's may.
        match Pin::new(&mut *stream).poll_flush(context) {
            Poll::Ready(flushed) => Poll::Ready(flushed.map(|()| written).map_err(Ended::Io)),
            Poll::Pending => match until {
                Some(until) => timer.poll(until, context).map(|()| Err(Ended::TimedOut)),
                None => Poll::Pending,
            },
        }
    })
    .await
}

/// Closing with something unread makes the system send a reset, which can overtake what was written last.
/// So what the peer sends is read and forgotten, up to a bound. `buffer` is memory for that.
pub(crate) async fn linger(stream: &mut Stream, buffer: &mut Vec<u8>) {
    let (mut most, bound) = LINGER;
    let drain = async {
        stream.shutdown().await?;
        while most > 0 {
            buffer.clear();
            buffer.reserve(CHUNK);
            let read = poll_fn(|context| poll_read(stream, buffer, context)).await?;
            if read == 0 {
                break;
            }
            most = most.saturating_sub(read);
        }
        Ok::<(), io::Error>(())
    };
    // That nothing more can be read is all the same here.
    let _ = timeout(bound, drain).await;
}

/// Makes a call whose result nobody waits for. Where the runtime has ended, nobody is called any more.
pub(crate) fn spawn(
    call: impl Future<Output = Result<crate::Response, crate::Error>> + Send + 'static,
) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(call);
    }
}
