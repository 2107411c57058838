//! One stream of bytes over an SSH connection.

use super::Session;
use russh::{ChannelId, ChannelStream, client::Msg};
use std::{
    fmt,
    future::Future,
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that goes through an SSH connection: from [`Session::open`], or from a
/// [`Listener`](super::Listener).
///
/// It holds its session. Where the session is lost, reading and writing fail with the reason. What has arrived
/// and isn't read (some MiB at most) holds up the other channels of the session, so read it, or drop it.
pub struct Channel {
    /// `None` only while it is dropped.
    stream: Option<ChannelStream<Msg>>,
    id: ChannelId,
    session: Session,
    /// Ends when the other side has closed the channel. The library leaves a writer waiting then.
    closed: Option<Closed>,
}

type Closed = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

impl Channel {
    pub(super) fn new(stream: ChannelStream<Msg>, id: ChannelId, session: Session) -> Self {
        let mut closed = session.line().watch(id);
        let closed: Closed = Box::pin(async move {
            // An error is the end of the session.
            let _ = closed.wait_for(|closed| *closed).await;
        });
        Self { stream: Some(stream), id, session, closed: Some(closed) }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut ChannelStream<Msg>>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| ErrorKind::NotConnected.into())
    }

    /// Why it is of no use any more.
    fn reason(&self) -> io::Error {
        self.session.line().over().map_or_else(|| ErrorKind::BrokenPipe.into(), io::Error::from)
    }

    /// Waits along with a writer that has to wait.
    fn poll_closed<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if let Some(closed) = &mut self.closed {
            ready!(closed.as_mut().poll(context));
            self.closed = None;
        }
        Poll::Ready(Err(self.reason()))
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream()?.poll_read(context, buffer))?;
        let ended = buffer.filled().len() == before && buffer.remaining() > 0;
        // The end of the session is not the end of what the other side had to say.
        match self.session.line().over() {
            Some(reason) if ended => Poll::Ready(Err(reason.into())),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.closed.is_none() {
            return Poll::Ready(Err(self.reason()));
        }
        match self.stream()?.poll_write(context, bytes) {
            Poll::Ready(Ok(written)) => Poll::Ready(Ok(written)),
            Poll::Ready(Err(_)) => Poll::Ready(Err(self.reason())),
            Poll::Pending => self.poll_closed(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream()?.poll_shutdown(context) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(_)) => Poll::Ready(Err(self.reason())),
            Poll::Pending => self.poll_closed(context),
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.session.line().forget(self.id);
        // The library says goodbye in a task, wherever this is dropped.
        let _entered = self.session.runtime().enter();
        self.stream = None;
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("session", &self.session).finish_non_exhaustive()
    }
}
