//! Servers: objects of this process that others can call.

mod accept;
mod builder;
mod connection;
mod registry;
mod session;
mod shared;

pub use builder::ServerBuilder;
pub use shared::FailedCall;

pub(crate) use registry::{local, object, primary, withdraw};
pub(crate) use session::ServerSession;
pub(crate) use shared::Shared;

use crate::{Error, IntoObject};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Serves an object at a URI: `druby://host:port` (port 0 for any free one) or `drbunix:path`.
///
/// A server that other machines can reach needs an ACL, or the word that it doesn't: see
/// [`Server::builder`].
///
/// It has to be called within a tokio runtime with I/O and time enabled, and the server lives there
/// until it is [stopped](Server::stop), whether the [`Server`] is kept or not.
///
/// # Errors
/// [`Error::BadUri`], [`Error::Listen`], [`Error::Exposed`].
pub async fn start_service(uri: &str, front: impl IntoObject) -> Result<Server, Error> {
    Server::builder().front(front).start(uri).await
}

/// A server that listens. Clones are the same server.
///
/// It goes on when this is dropped, as in Ruby.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    ended: watch::Receiver<bool>,
}

/// What a server is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Serve.
    Running,
    /// Accept no connection and no further call, and end with the last one that runs.
    Stopping,
    /// End.
    Aborting,
}

impl Server {
    /// A server with more to say than a URI and an object.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// The URI that clients connect to, with the port that the system has picked.
    ///
    /// For a server that listens on all addresses (`druby://:9000`) it has the address that the
    /// machine sends from; references to its objects carry the one that each peer has connected
    /// to.
    pub fn uri(&self) -> &str {
        &self.shared.uri
    }

    /// How many objects are held at the moment because peers have been given references to them.
    pub fn exported(&self) -> usize {
        self.shared.objects.exported()
    }

    /// Begins to stop: no more connections and calls are accepted, connections without a call are
    /// closed. Calls that run are brought to their end, and their replies are sent.
    ///
    /// It doesn't wait, so a method may call it of its own server: that method's reply is sent as
    /// well. [`Server::wait`] and [`Server::drain`] wait.
    pub fn stop(&self) {
        self.advance(Phase::Stopping);
    }

    /// Waits until the server has ended: it was stopped, and no call runs any more.
    pub async fn wait(&self) {
        // An error means that the server's runtime has ended, and the server with it.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Stops, and waits for the calls that run, but no longer than `bound`: what still runs then is
    /// cut off. Says whether all calls came to their end.
    pub async fn drain(&self, bound: Duration) -> bool {
        self.stop();
        let drained = tokio::time::timeout(bound, self.wait()).await.is_ok();
        self.advance(Phase::Aborting);
        self.wait().await;
        drained
    }

    fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = (*current as u8) < (phase as u8);
            if later {
                *current = phase;
            }
            later
        });
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("uri", &self.shared.uri).finish_non_exhaustive()
    }
}
