//! The idle connections to one address.

use crate::{
    Holder,
    net::{Ends, Stream},
    timer::Timer,
};
use drb_core::{Address, Uri};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::runtime;

/// Connections that wait for their next call. The one that came last goes first, so that those that
/// aren't needed age, and the server closes them.
pub(super) struct Pool {
    uri: Arc<str>,
    most: usize,
    idle: Mutex<Vec<Connection>>,
    /// The ends of the connection that was made last.
    ends: Mutex<Option<Ends>>,
}

/// A connection, and the runtime that its socket belongs to.
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) timer: Timer,
    pub(super) runtime: runtime::Id,
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
            let connection = self.idle().pop()?;
            // A socket only works as long as its runtime does.
            if connection.runtime == runtime && connection.stream.is_alive() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose call has ended well.
    pub(super) fn put(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < self.most {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
