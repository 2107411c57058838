//! What a method can know of the call that it serves.

use crate::{Holder, Identity};
use std::{fmt, net::SocketAddr, sync::Arc, time::Instant};

/// The circumstances of a call, for a parameter marked `#[drb(context)]`.
///
/// It is neither on the wire nor in the proxy.
///
/// ```ignore
/// #[drb::service]
/// impl Door {
///     pub fn who_am_i(&self, #[drb(context)] call: &drb::Context) -> String {
///         call.peer().to_string()
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    connection: Arc<Connection>,
    deadline: Option<Instant>,
}

/// What all calls of one connection share.
#[derive(Debug)]
struct Connection {
    peer: Peer,
    identity: Identity,
    wire: Wire,
    uri: Arc<str>,
}

/// Where a call comes from. [`Identity`] is what that shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A peer on TCP. An IPv4 address mapped into IPv6 is given as the IPv4 address.
    Tcp(SocketAddr),
    /// A peer on a Unix socket.
    Unix,
    /// A peer at the other end of a connection that the program has made, by what the program calls
    /// it: the name in a certificate, or of an account.
    Named(Arc<str>),
    /// This process.
    Local,
}

impl Peer {
    /// For whom objects are held that this peer is given.
    pub fn holder(&self) -> Holder {
        match self {
            Self::Tcp(address) => Holder::Address(address.ip()),
            Self::Unix | Self::Local => Holder::Local,
            Self::Named(_) => Holder::Unresolved,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("a unix socket"),
            Self::Named(name) => f.write_str(name),
            Self::Local => f.write_str("this process"),
        }
    }
}

/// The protocol that a call came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// Ruby's own protocol: `druby://` and `drbunix:`.
    Ruby,
    /// The native protocol: `drb://`.
    Native,
}

impl Context {
    /// The context of the calls that come over one connection; `uri` is what references to
    /// objects of this process carry there.
    pub fn new(peer: Peer, wire: Wire, uri: impl Into<Arc<str>>) -> Self {
        Self::of(peer, Identity::Anonymous, wire, uri.into())
    }

    /// The same of a peer that has shown something of itself.
    pub fn of(peer: Peer, identity: Identity, wire: Wire, uri: Arc<str>) -> Self {
        let connection = Connection { peer, identity, wire, uri };
        Self { connection: Arc::new(connection), deadline: None }
    }

    /// The same with the time by which the caller wants the result.
    #[must_use]
    pub fn with_deadline(&self, deadline: Option<Instant>) -> Self {
        Self { connection: Arc::clone(&self.connection), deadline }
    }

    /// Where the call comes from.
    pub fn peer(&self) -> &Peer {
        &self.connection.peer
    }

    /// Who is calling, as far as that is known for sure.
    pub fn identity(&self) -> &Identity {
        &self.connection.identity
    }

    /// The protocol that the call came over.
    pub fn wire(&self) -> Wire {
        self.connection.wire
    }

    /// The address of this process, as the caller reaches it.
    pub fn uri(&self) -> &str {
        &self.connection.uri
    }

    /// When the caller stops waiting, if it has said so. Ruby's wire doesn't carry deadlines.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}
