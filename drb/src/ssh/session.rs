//! One SSH connection.

use super::{
    Error,
    far::{Far, Line},
};
use russh::{Disconnect, client::Handle};
use std::{
    fmt,
    net::{Shutdown, TcpStream},
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{runtime, time::timeout};

/// How long what has been written may take to leave, when nobody uses the session any more.
const LINGER: Duration = Duration::from_secs(10);

/// An SSH connection, authenticated on both sides. Clones are the same connection.
///
/// It lasts as long as a clone, a [`Channel`](super::Channel), a [`Listener`](super::Listener) or a
/// [`Tunnel`](super::Tunnel) of it does, unless it is [closed](Self::close) or lost, of which [`Self::closed`] tells.
/// It runs in the tokio runtime in which it was made.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

/// A session that is somebody else's.
#[derive(Default)]
pub(super) struct WeakSession(Weak<Inner>);

impl WeakSession {
    pub(super) fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(Session)
    }
}

struct Inner {
    host: Arc<str>,
    timeout: Duration,
    line: Arc<Line>,
    runtime: runtime::Handle,
    /// `None` only while it is dropped.
    handle: Option<Handle<Far>>,
    plug: Option<Plug>,
}

/// The socket, which is cut off when this is dropped, whatever the library's task does just then.
pub(super) struct Plug(TcpStream);

impl Plug {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self(socket)
    }

    fn cut(&self) {
        // It may be closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Session {
    pub(super) fn new(
        host: Arc<str>,
        timeout: Duration,
        line: Arc<Line>,
        handle: Handle<Far>,
        plug: Plug,
    ) -> Self {
        let runtime = runtime::Handle::current();
        let (handle, plug) = (Some(handle), Some(plug));
        Self(Arc::new(Inner { host, timeout, line, runtime, handle, plug }))
    }

    /// The SSH server, as `host:port`.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Waits until the session is over, and says why.
    pub async fn closed(&self) -> Error {
        self.0.line.ended().await
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.0.line.over().is_some()
    }

    /// Ends it, with all its channels, listeners and tunnels.
    pub async fn close(&self) {
        let Ok(handle) = self.handle() else { return };
        let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
        self.0.line.end(Error::Closed);
        if let Some(plug) = &self.0.plug {
            plug.cut();
        }
    }

    pub(super) fn handle(&self) -> Result<&Handle<Far>, Error> {
        match self.0.line.over() {
            Some(reason) => Err(reason),
            None => self.0.handle.as_ref().ok_or(Error::Closed),
        }
    }

    /// Why the session is over, or else what the library says.
    pub(super) fn reason(&self, error: russh::Error) -> Error {
        self.0.line.over().unwrap_or_else(|| error.into())
    }

    pub(super) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.0.line
    }

    /// How long a request may take.
    pub(super) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    pub(super) fn runtime(&self) -> &runtime::Handle {
        &self.0.runtime
    }
}

/// Nobody uses it any more. What was written last may still leave.
impl Drop for Inner {
    fn drop(&mut self) {
        let (plug, ended) = (self.plug.take(), self.line.ended());
        // The library's task ends with its last user.
        self.handle = None;
        self.runtime.spawn(async move {
            let _ = timeout(LINGER, ended).await;
            drop(plug);
        });
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("host", &self.0.host).finish_non_exhaustive()
    }
}
