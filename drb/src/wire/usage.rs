//! What goes over the native connections of a client or a server.

use super::ServerHome;
use drb_core::native::{self, Connection};
use std::any::Any;

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

impl Usage {
    /// That of the connections whose home is one of those that are wanted.
    pub(crate) fn of(wanted: impl Fn(&ServerHome) -> bool) -> Self {
        let is_wanted = |connection: &Connection| {
            let home: &dyn Any = connection.home();
            connection.is_made() && home.downcast_ref().is_some_and(&wanted)
        };
        let mut usage = Self::default();
        for connection in native::connections().iter().filter(|connection| is_wanted(connection)) {
            let (exported, imported) = connection.held();
            usage.connections += usize::from(!connection.protocol().has_ended());
            usage.exported += exported;
            usage.imported += imported;
        }
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;
    use drb_core::native::{Outlet, Protocol};
    use std::sync::{Arc, MutexGuard};

    struct Nowhere;

    impl Outlet for Nowhere {
        fn send(&self, _: MutexGuard<'_, Protocol>) -> bool {
            false
        }

        fn end(&self) {}
    }

    #[test]
    fn what_is_made_and_has_not_ended_counts_for_who_has_made_it() {
        let [client, other] = [(); 2].map(|()| Client::new());
        let home = ServerHome::of_client(client.clone());
        let connection = Connection::new(client.shared_limits(), "drb://a:1".into(), home);
        assert_eq!(client.usage(), Usage::default());
        connection.send_through(Arc::new(Nowhere));
        assert_eq!(client.usage(), Usage { connections: 1, ..Usage::default() });
        assert_eq!(other.usage(), Usage::default());
        connection.protocol().end();
        assert_eq!(client.usage(), Usage::default());
        drop(connection);
        assert_eq!(Arc::strong_count(client.shared_limits()), 1);
    }
}
