//! What goes over the native connections of a client or a server.

use drb_core::native::Connection;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What a client or a server has to do with its peers over the native wire at the moment.
///
/// All are zero when nobody holds a proxy and no call is under way: a connection that nobody needs is
/// closed by the side that has made it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Connections that are open.
    pub connections: usize,
    /// Objects of this process that peers hold, counted for each connection.
    pub exported: usize,
    /// Objects of peers that this process holds.
    pub imported: usize,
}

/// The connections of a client or a server, as long as anybody has them.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Known>);

#[derive(Default)]
struct Known {
    connections: Vec<Weak<Connection>>,
    /// With so many, those that are gone are forgotten.
    sweep: usize,
}

impl Connections {
    pub(crate) fn add(&self, connection: &Arc<Connection>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.connections.len() >= known.sweep {
            known.connections.retain(|connection| connection.strong_count() > 0);
            known.sweep = known.connections.len() * 2 + 16;
        }
        known.connections.push(Arc::downgrade(connection));
    }

    pub(crate) fn usage(&self) -> Usage {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections: Vec<_> = known.connections.iter().filter_map(Weak::upgrade).collect();
        drop(known);
        connections.iter().fold(Usage::default(), |usage, connection| {
            let (exported, imported) = connection.held();
            Usage {
                connections: usage.connections + usize::from(!connection.protocol().has_ended()),
                exported: usage.exported + exported,
                imported: usage.imported + imported,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, wire::ServerHome};

    #[test]
    fn what_is_gone_is_forgotten() {
        let (client, connections) = (Client::new(), Connections::default());
        for _ in 0..1000 {
            let home = ServerHome::of_client(client.clone());
            let connection = Connection::new(client.shared_limits(), "drb://a:1".into(), home);
            connections.add(&connection);
            assert_eq!(connections.usage(), Usage { connections: 1, ..Usage::default() });
            connection.protocol().end();
            assert_eq!(connections.usage(), Usage::default());
        }
        assert!(connections.0.lock().unwrap().connections.len() <= 17);
    }
}
