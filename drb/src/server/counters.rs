//! What a server has let in, and what it has refused.

use crate::{Exception, Identity, Limit, Peer, TlsProblem};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

const LIMITS: usize = Limit::ALL.len();

/// What a server has let in and refused since it was started. The numbers only grow.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// let server = drb::start_service(None, ()).await?;
/// let counters = server.counters();
/// assert_eq!((counters.connections, counters.exceeded(drb::Limit::Connections)), (0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that have arrived, those that were refused included.
    pub connections: u64,
    /// How often the system could not give a connection that has arrived: no files are left, for one.
    pub accept_errors: u64,
    /// Connections that were refused because of TLS: without it, with none to be had, or with a handshake
    /// that has failed.
    pub failed_handshakes: u64,
    /// Connections that were refused because of drbfire.
    pub refused_fire: u64,
    /// Connections that the ACL has refused.
    pub refused_connections: u64,
    /// Calls that the ACL of a [`Guard`](crate::Guard) has refused.
    pub refused_calls: u64,
    exceeded: [u64; LIMITS],
}

impl Counters {
    /// How often a bound was exceeded: so many calls were refused because of it, or so many connections
    /// refused or closed.
    pub fn exceeded(&self, limit: Limit) -> u64 {
        self.exceeded.get(limit as usize).copied().unwrap_or_default()
    }
}

/// A connection that a server has not let in or has closed, for a server's hook.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// Where it came from.
    pub peer: &'a Peer,
    /// Who was there, as far as that was known by then.
    pub identity: &'a Identity,
    /// The bound that was exceeded, if it was one.
    pub limit: Option<Limit>,
    /// What was wrong with TLS, if that was it.
    pub tls: Option<&'a TlsProblem>,
    /// What was wrong with drbfire, if that was it. Without any of these three, the ACL doesn't allow the peer.
    pub fire: Option<&'a FireProblem>,
}

/// Why a connection is refused that begins in the manner of drbfire (`drbfire://`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FireProblem {
    /// The server was not started at `drbfire://`.
    NotSpoken,
    /// Who has connected says that it is the client with this number, but no such client is there, or it is
    /// another one: with another certificate, or at another address.
    NotTheClient {
        /// The number.
        number: u32,
    },
    /// It may be the client with this number, but no connection of that is wanted.
    NotWanted {
        /// The number.
        number: u32,
    },
}

impl fmt::Display for FireProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSpoken => f.write_str("this server speaks no drbfire"),
            Self::NotTheClient { number } => write!(f, "the peer is not the client {number}"),
            Self::NotWanted { number } => {
                write!(f, "no connection of the client {number} is wanted")
            }
        }
    }
}

/// The same numbers while they grow.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) connections: AtomicU64,
    pub(super) accept_errors: AtomicU64,
    pub(super) failed_handshakes: AtomicU64,
    pub(super) refused_fire: AtomicU64,
    refused_connections: AtomicU64,
    refused_calls: AtomicU64,
    exceeded: [AtomicU64; LIMITS],
}

impl Counts {
    /// A connection was refused or closed.
    pub(super) fn refused(&self, limit: Option<Limit>) {
        match limit {
            Some(limit) => self.exceeded(limit),
            None => add(&self.refused_connections),
        }
    }

    /// A call has failed.
    pub(super) fn failed(&self, exception: &Exception) {
        let limit = exception.field("limit").and_then(|name| name.as_str());
        match limit.and_then(Limit::from_name) {
            Some(limit) => self.exceeded(limit),
            None if exception.refused && exception.class == crate::guard::REFUSED => {
                add(&self.refused_calls);
            }
            None => {}
        }
    }

    fn exceeded(&self, limit: Limit) {
        self.exceeded.get(limit as usize).into_iter().for_each(add);
    }

    pub(super) fn read(&self) -> Counters {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            connections: read(&self.connections),
            accept_errors: read(&self.accept_errors),
            failed_handshakes: read(&self.failed_handshakes),
            refused_fire: read(&self.refused_fire),
            refused_connections: read(&self.refused_connections),
            refused_calls: read(&self.refused_calls),
            exceeded: std::array::from_fn(|place| self.exceeded.get(place).map_or(0, read)),
        }
    }
}

pub(super) fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
