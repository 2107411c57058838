//! How it is known that an object elsewhere can no longer be called.

use crate::{Reference, Remote};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Why an object can no longer be called through a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closed {
    /// The connection over which the object was held is lost, of this process or of one in the middle. A
    /// proxy of the object that a process serves at its URI makes another one with its next call.
    ConnectionLost,
    /// The object's owner has taken it back, from everybody: `Server::withdraw` or
    /// `Server::revoke`.
    Withdrawn,
    /// The server of this very process that the object belongs to has stopped.
    Stopped,
    /// There never was an object: the call that was to give it has failed
    /// ([`Call::pipelined`](crate::Call::pipelined)).
    Unresolved,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectionLost => "the connection to the object is lost",
            Self::Withdrawn => "the object was withdrawn by its owner",
            Self::Stopped => "the object's server has stopped",
            Self::Unresolved => "the call that was to give the object has failed",
        })
    }
}

/// Waits until an object can no longer be called; [`Proxy::closed`](crate::Proxy::closed) gives it. It
/// holds the object as a proxy does.
#[must_use = "it waits only when it is awaited"]
pub struct Closing(Pin<Box<dyn Future<Output = Closed> + Send>>);

impl Closing {
    /// What a future says.
    pub fn new(future: impl Future<Output = Closed> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// Nobody is ever going to say so.
    pub fn never() -> Self {
        Self::new(std::future::pending())
    }
}

impl Future for Closing {
    type Output = Closed;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Closed> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").finish_non_exhaustive()
    }
}

impl Remote {
    /// Waits until the object can no longer be called; see [`Proxy::closed`](crate::Proxy::closed).
    pub fn closed(&self) -> Closing {
        let reference: &Reference = self.reference();
        Arc::clone(self.link()).closed(reference)
    }
}
