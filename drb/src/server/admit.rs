//! Who is let in, and what they speak.

use super::{
    Shared, accept::Open, connection::Connection, counters::add, newcomers::Newcomer,
    stopper::Stopper,
};
use crate::{
    Context, Identity, Limit, Peer, Wire,
    net::{Ends, Stream},
    timer::now,
    wait,
    wire::{self, Driver, ServerHome, Serving},
};
use drb_core::native::PREAMBLE;
use std::{future::poll_fn, net::IpAddr, sync::Arc, task::Poll};
use tokio::time::{Instant, timeout_at};

/// Takes one connection in, unless who it is or how many there are speaks against it.
pub(super) fn admit(shared: &Arc<Shared>, stream: Stream, peer: Peer, open: &mut Open) {
    add(&shared.counts.connections);
    let refuse = |limit| shared.refused(&peer, &Identity::Anonymous, limit);
    // What costs nothing is looked at first.
    let address = match &peer {
        Peer::Tcp(address) => Some(address.ip()),
        _ => None,
    };
    if address.is_some_and(|address| shared.penalties.keep_out(address, now())) {
        return refuse(Some(Limit::Penalty));
    }
    if is_subject(&peer) && shared.acl().is_some_and(|acl| !acl.may_allow(&peer)) {
        return refuse(None);
    }
    if open.tasks.len() >= shared.limits.connections {
        return refuse(Some(Limit::Connections));
    }
    let seat = match address.map(|address| shared.seat(address)) {
        Some(None) => return refuse(Some(Limit::ConnectionsPerAddress)),
        Some(seat) => seat,
        None => None,
    };
    let uri = shared.uri_for(|| Some(Ends::of(&stream)?.local));
    let stopper = Arc::new(Stopper::default());
    let (newcomer, driven_out) = shared.newcomers.add(&peer, &stopper, &shared.limits);
    if let Some(other) = driven_out {
        shared.refused(&other, &Identity::Anonymous, Some(Limit::Newcomers));
    }
    let (shared, stops) = (Arc::clone(shared), Arc::clone(&stopper));
    let arrival = Arrival { shared, peer, uri, stopper: stops, newcomer };
    let task = open.tasks.spawn(async move {
        arrival.run(stream).await;
        drop(seat);
    });
    open.stoppers.insert(task.id(), (open.admitted, stopper));
    open.admitted += 1;
}

/// Whether the server's ACL holds for it: who is at the end of a connection that the program has made, and
/// gave another name than an address, the program knows best.
fn is_subject(peer: &Peer) -> bool {
    matches!(peer, Peer::Tcp(_) | Peer::Unix)
}

/// A connection that has arrived.
struct Arrival {
    shared: Arc<Shared>,
    peer: Peer,
    /// Where the peer reaches this server.
    uri: Arc<str>,
    stopper: Arc<Stopper>,
    newcomer: Newcomer,
}

impl Arrival {
    /// Runs the connection over the wire that the client speaks, which its first bytes tell.
    async fn run(self, mut stream: Stream) {
        let until = Instant::now() + self.shared.limits.greeting;
        let identity = stream.identity();
        if !self.allows(&identity) {
            return;
        }
        let mut first = Vec::new();
        let Ok(greeted) = timeout_at(until, self.greeting(&mut stream, &mut first)).await else {
            return self.shared.refused(&self.peer, &identity, Some(Limit::Greeting));
        };
        let Some(wire) = greeted else { return };
        let Self { shared, peer, uri, stopper, newcomer } = self;
        drop(newcomer);
        let context = Context::new(peer, wire, Arc::clone(&uri)).with_identity(identity);
        if wire == Wire::Native {
            let home = ServerHome { client: shared.client.clone() };
            let connection = drb_core::native::Connection::new(&shared.limits, uri, home);
            connection.protocol().share(&shared.buffered);
            shared.native.add(&connection);
            let serving = Serving::new(Some(shared), context, &connection);
            Driver::new(connection, stream, serving, first).stopped_by(stopper).run().await;
        } else {
            Box::pin(Connection::new(stream, shared, context, stopper, first).run()).await;
        }
    }

    /// Whether the ACL allows the peer, now that it is known who it is.
    fn allows(&self, identity: &Identity) -> bool {
        let acl = if is_subject(&self.peer) { self.shared.acl() } else { None };
        let allows = acl.is_none_or(|acl| acl.allows_peer(&self.peer, identity));
        if !allows {
            self.shared.refused(&self.peer, identity, None);
            if let Some(address) = self.address() {
                self.shared.penalties.failed(address, now(), &self.shared.limits);
            }
        }
        allows
    }

    fn address(&self) -> Option<IpAddr> {
        match &self.peer {
            Peer::Tcp(address) => Some(address.ip()),
            _ => None,
        }
    }

    /// Reads until it is known which wire it is. `None` if the peer says nothing and leaves, or is to go.
    async fn greeting(&self, stream: &mut Stream, first: &mut Vec<u8>) -> Option<Wire> {
        loop {
            if let Some(wire) = wire::spoken(first) {
                return Some(wire);
            }
            wait::make_room(first, 0);
            let read = poll_fn(|context| match self.stopper.poll(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => wait::poll_read(stream, first, context).map(Result::ok),
            });
            if read.await? == 0 {
                // What has begun is told that it breaks off.
                return (!PREAMBLE.starts_with(first)).then_some(Wire::Ruby);
            }
        }
    }
}
