//! The idle connections to one address.

use crate::{
    Holder,
    net::{Ends, Stream},
    spin::Spin,
    timer::{self, Timer},
};
use drb_core::{Address, Uri};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{runtime, time::Instant};

/// Connections that wait for their next call. The one that came last goes first, so that those that
/// aren't needed age, and the server closes them.
pub(super) struct Pool {
    uri: Arc<str>,
    most: usize,
    idle: Mutex<Idle>,
    /// The ends of the connection that was made last.
    ends: Mutex<Option<Ends>>,
}

/// How long a connection stays here at most that the server has closed. Nobody may ever call again
/// whoever was called back once.
const TEND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// Whether a task looks after them.
    tended: bool,
}

/// Whether the server has closed a connection isn't looked at if it was used just now: what it sends takes about as long
/// to arrive.
const JUST_NOW: Duration = Duration::from_micros(20);

/// A connection, and the runtime that its socket belongs to.
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) timer: Timer,
    pub(super) spin: Spin,
    pub(super) runtime: runtime::Id,
    /// When its last call has ended.
    pub(super) used: Instant,
}

impl Connection {
    /// Whether it is still good.
    fn is_alive(&mut self) -> bool {
        self.used.elapsed() < JUST_NOW || self.stream.is_alive()
    }
}

impl Pool {
    pub(super) fn new(uri: &str, most: usize) -> Self {
        Self { uri: uri.into(), most, idle: Mutex::default(), ends: Mutex::default() }
    }

    pub(super) fn uri(&self) -> &Arc<str> {
        &self.uri
    }

    /// A connection was made, with these ends.
    pub(super) fn found(&self, ends: Option<Ends>) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    /// The ends of the connections, if there has been one over TCP.
    pub(super) fn ends(&self) -> Option<Ends> {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For whom objects are held that are passed in calls of this address.
    pub(super) fn holder(&self) -> Holder {
        if let Some(ends) = self.ends() {
            return Holder::Address(ends.peer);
        }
        match Uri::parse(&self.uri).map(|uri| uri.address) {
            Ok(Address::Unix { .. }) => Holder::Local,
            Ok(Address::Tcp { host, .. }) => match host.parse::<IpAddr>() {
                Ok(address) => Holder::Address(address.to_canonical()),
                Err(_) => Holder::Unresolved,
            },
            _ => Holder::Unresolved,
        }
    }

    /// An idle connection that is still good in this runtime.
    pub(super) fn take(&self, runtime: runtime::Id) -> Option<Connection> {
        loop {
            let mut connection = self.idle().connections.pop()?;
            // A socket only works as long as its runtime does.
            if connection.runtime == runtime && connection.is_alive() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose call has ended well.
    pub(super) fn put(self: &Arc<Self>, mut connection: Connection) {
        connection.used = Instant::now();
        let mut idle = self.idle();
        if idle.connections.len() < self.most {
            idle.connections.push(connection);
            if !std::mem::replace(&mut idle.tended, true) {
                tokio::spawn(tend(Tended(Arc::downgrade(self))));
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the connections that the server has closed, for as long as there are any.
async fn tend(mut tended: Tended) {
    loop {
        timer::until(Instant::now() + TEND).await;
        let Some(pool) = tended.0.upgrade() else { return };
        let mut idle = pool.idle();
        idle.connections.retain_mut(Connection::is_alive);
        if idle.connections.is_empty() {
            // Under the lock: whoever puts the next one in sees it, and begins anew.
            idle.tended = false;
            tended.0 = Weak::new();
            return;
        }
    }
}

/// The pool of a task that looks after it. The task may end with its runtime, and then another one
/// is to go on.
struct Tended(Weak<Pool>);

impl Drop for Tended {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.idle().tended = false;
        }
    }
}
