//! Who is let in, and what they speak.

use super::{
    Shared,
    connection::Connection,
    counters::{FireProblem, add},
    newcomers::Newcomer,
    open::Place,
    seats::Seat,
};
use crate::{
    Context, Exception, Identity, Limit, Peer, TlsProblem, Wire,
    net::{Ends, Stream},
    timer::{Timer, now},
    tls::Accepting,
    wait,
    wire::{self, CONTROL, Driver, Driving, ServerHome, Serving},
};
use drb_core::native::PREAMBLE;
use std::{
    future::{Future, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{self, Poll, ready},
};
use tokio::time::Instant;

/// The first byte of TLS: that of a record of the handshake.
const HANDSHAKE: u8 = 0x16;

/// The alert that what came is no record of TLS: `unexpected_message`.
const ALERT: &[u8] = &[0x15, 3, 3, 0, 2, 2, 10];

const NO_TLS: &str = "this server speaks no TLS: write druby:// in place of drbssl://, or drb:// in \
                      place of drbs://, or start it at drbssl:// or drbs://";

const NO_FIRE: &str = "this server speaks no drbfire: write druby:// in place of drbfire://, or start it at \
                       drbfire://";

const ONLY_TLS: &str = "this server speaks nothing but TLS: write drbssl:// in place of druby://";

/// Takes one connection in, unless who it is or how many there are speaks against it.
pub(super) fn admit(shared: &Arc<Shared>, stream: Stream) {
    add(&shared.counts.connections);
    let peer = stream.peer();
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
    if shared.open.len() >= shared.limits.connections {
        return refuse(Some(Limit::Connections));
    }
    let most = shared.limits.connections_per_address;
    let Some(seat) = shared.seats.take(&peer, || stream.identity(), most) else {
        return refuse(Some(Limit::ConnectionsPerAddress));
    };
    let uri = shared.uri_for(|| Some(Ends::of(&stream)?.local));
    let (newcomer, driven_out) = shared.newcomers.add(&peer, &seat, &shared.limits, now());
    if let Some(other) = driven_out {
        shared.refused(&other, &Identity::Anonymous, Some(Limit::Newcomers));
    }
    let (place, shared_seat) = (shared.open.add(&seat), Arc::clone(&seat));
    let number = place.number;
    let arrival = Arrival { shared: Arc::clone(shared), peer, uri, newcomer, seat };
    let state = State::Arrives(Box::pin(arrival.run(stream)));
    let task = tokio::spawn(Task { state, seat: shared_seat, _place: place });
    shared.open.runs(number, task);
}

/// The task of a connection, which is open until all of it is dropped.
struct Task<F> {
    state: State<F>,
    seat: Arc<Seat>,
    _place: Place,
}

/// What a connection needs to arrive is much, and gone by the time of its calls.
enum State<F> {
    Arrives(Pin<Box<F>>),
    Calls(Calls),
}

/// A connection that has arrived, in which calls come.
enum Calls {
    Native(Driving),
    Ruby(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Calls {
    fn poll(&mut self, context: &mut task::Context<'_>) -> Poll<()> {
        match self {
            Self::Native(driving) => Pin::new(driving).poll(context),
            Self::Ruby(connection) => connection.as_mut().poll(context),
        }
    }
}

impl<F: Future<Output = Option<Calls>>> State<F> {
    fn poll(&mut self, context: &mut task::Context<'_>) -> Poll<()> {
        let arrival = match self {
            Self::Calls(calls) => return calls.poll(context),
            Self::Arrives(arrival) => arrival,
        };
        let Some(mut calls) = ready!(arrival.as_mut().poll(context)) else {
            return Poll::Ready(());
        };
        let polled = calls.poll(context);
        *self = Self::Calls(calls);
        polled
    }
}

impl<F: Future<Output = Option<Calls>>> Future for Task<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<()> {
        let polled = self.state.poll(context);
        self.seat.end_turn();
        polled
    }
}

/// Whether the server's ACL holds for it: who is at the end of a connection that the program has made, and
/// gave another name than an address, the program knows best.
fn is_subject(peer: &Peer) -> bool {
    matches!(peer, Peer::Tcp(_) | Peer::Unix)
}

/// A connection that has arrived.
pub(super) struct Arrival {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Peer,
    /// Where the peer reaches this server.
    pub(super) uri: Arc<str>,
    pub(super) newcomer: Newcomer,
    pub(super) seat: Arc<Seat>,
}

impl Arrival {
    /// Runs the connection over the wire that the client speaks, which its first bytes tell.
    ///
    /// What not all connections need has a place of its own. It gives what is left to be done, if anything is.
    #[cfg_attr(not(feature = "fire"), expect(unused_mut, reason = "only drbfire changes it"))]
    async fn run(mut self, mut stream: Stream) -> Option<Calls> {
        let until = Instant::now() + self.shared.limits.greeting;
        let (mut first, mut timer) = (Vec::new(), Timer::default());
        #[cfg(feature = "fire")]
        if self.shared.fire {
            stream.keep_alive(self.shared.limits.keepalive);
        }
        if let Some(tls) = &self.shared.tls {
            let mut secured = Box::pin(self.secure(tls, stream, &mut first));
            stream = match timer.by(until, secured.as_mut()).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(turned_away)) => {
                    drop(secured);
                    Box::pin(turned_away.tell(self)).await;
                    return None;
                }
                Err(_) => {
                    let nobody = Identity::Anonymous;
                    self.shared.refused(&self.peer, &nobody, Some(Limit::Greeting));
                    return None;
                }
            };
        }
        let identity = stream.identity();
        if !self.allows(&identity) {
            return None;
        }
        #[cfg(feature = "fire")]
        if self.shared.fire {
            match Box::pin(self.by_fire(stream, &mut first, &identity, until)).await {
                Some(calls) => (self, stream) = calls,
                None => return None,
            }
        }
        let greeted = timer.by(until, pin!(self.greeting(&mut stream, &mut first))).await;
        let Ok(greeted) = greeted else {
            self.shared.refused(&self.peer, &identity, Some(Limit::Greeting));
            return None;
        };
        let wire = greeted?;
        if wire::is_fire(&first) {
            self.shared.refused_fire(&self.peer, &identity, FireProblem::NotSpoken);
            if let [CONTROL] = *first {
                return None;
            }
            self.refuse(stream, first, NO_FIRE).await;
            return None;
        }
        if wire::is_tls(&first) {
            self.shared.refused_tls(&self.peer, &TlsProblem::NotTls);
            self.refuse(stream, first, NO_TLS).await;
            return None;
        }
        let Self { shared, peer, uri, newcomer, seat } = self;
        drop(newcomer);
        seat.turn().await;
        let context = Context::of(peer, identity, wire, Arc::clone(&uri));
        Some(if wire == Wire::Native {
            let home = ServerHome::of_server(&shared);
            let connection = drb_core::native::Connection::new(&shared.limits, uri, home);
            {
                let mut protocol = connection.protocol();
                protocol.share(&shared.buffered);
                protocol.end_when_idle(now());
            }
            let serving = Serving::new(Some(shared), context, &connection);
            let driver = Driver::new(connection, stream, serving, timer, first, Some(seat));
            Calls::Native(Driving::new(driver))
        } else {
            let connection = Connection::new(stream, shared, context, seat, timer, first);
            Calls::Ruby(Box::pin(connection.run()))
        })
    }

    /// Gets into TLS with the peer. What the program brings may come without.
    async fn secure(
        &self,
        tls: &Accepting,
        mut stream: Stream,
        first: &mut Vec<u8>,
    ) -> Result<Stream, TurnedAway> {
        if self.read(&mut stream, first).await.is_none_or(|count| count == 0) {
            return Err(TurnedAway::Gone);
        }
        if first.first() == Some(&HANDSHAKE) {
            self.seat.turn().await;
            let accepting = tls.accept(stream, std::mem::take(first));
            let mut accepting = pin!(accepting);
            let accepted = poll_fn(|context| match self.seat.stopper.poll_silent(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => accepting.as_mut().poll(context).map(Some),
            });
            return match accepted.await {
                Some(accepted) => {
                    accepted.map_err(|(problem, stream)| TurnedAway::Handshake(problem, stream))
                }
                None => Err(TurnedAway::Gone),
            };
        }
        match stream {
            Stream::Brought(_) => Ok(stream),
            _ => Err(TurnedAway::Plain(stream, std::mem::take(first))),
        }
    }

    /// Tells a peer that it is not let in, in the words of Ruby's wire.
    async fn refuse(self, stream: Stream, first: Vec<u8>, message: &str) {
        let Self { shared, peer, uri, newcomer, seat } = self;
        drop(newcomer);
        let context = Context::new(peer, Wire::Ruby, uri);
        let exception = Exception::new("DRb::DRbConnError", message);
        let timer = Timer::default();
        let connection = Connection::new(stream, shared, context, seat, timer, first);
        Box::pin(connection.turn_away(exception)).await;
    }

    /// A peer that has shown who it is has failed to show that it may.
    pub(super) fn failed(&self) {
        if let Some(address) = self.address() {
            self.shared.penalties.failed(address, now(), &self.shared.limits);
        }
    }

    /// Whether the ACL allows the peer, now that it is known who it is.
    fn allows(&self, identity: &Identity) -> bool {
        let acl = if is_subject(&self.peer) { self.shared.acl() } else { None };
        let allows = acl.is_none_or(|acl| acl.allows_peer(&self.peer, identity));
        if !allows {
            self.shared.refused(&self.peer, identity, None);
            self.failed();
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
            if let [CONTROL] = **first {
                // It sends nothing else, and waits for a number.
                return Some(Wire::Ruby);
            }
            if let Some(wire) = wire::spoken(first) {
                return Some(wire);
            }
            if self.read(stream, first).await? == 0 {
                // What has begun is told that it breaks off.
                return (!PREAMBLE.starts_with(first)).then_some(Wire::Ruby);
            }
        }
    }

    /// Reads once; `None` if the connection is to end.
    pub(super) async fn read(&self, stream: &mut Stream, first: &mut Vec<u8>) -> Option<usize> {
        wait::make_room(first, 0);
        let read = poll_fn(|context| {
            if let Poll::Ready(read) = wait::poll_read(stream, first, context) {
                return Poll::Ready(read.ok());
            }
            // Who is to go because others have come is heard if it has said something by now.
            match self.seat.stopper.poll_silent(context) {
                Poll::Ready(()) if !stream.has_unread() => Poll::Ready(None),
                _ => Poll::Pending,
            }
        });
        read.await
    }
}

/// A connection that doesn't come into TLS.
enum TurnedAway {
    /// It says nothing, or the server stops.
    Gone,
    /// The handshake has failed; the peer was told why.
    Handshake(TlsProblem, Option<Stream>),
    /// It has begun without TLS, with these bytes.
    Plain(Stream, Vec<u8>),
}

impl TurnedAway {
    async fn tell(self, arrival: Arrival) {
        match self {
            Self::Gone => {}
            Self::Handshake(problem, stream) => {
                arrival.shared.refused_tls(&arrival.peer, &problem);
                if is_failure(&problem) {
                    arrival.failed();
                }
                if let Some(mut stream) = stream {
                    wait::linger(&mut stream, &mut Vec::new()).await;
                }
            }
            Self::Plain(mut stream, first) => {
                arrival.shared.refused_tls(&arrival.peer, &TlsProblem::NotTls);
                if first.first() == Some(&CONTROL) {
                    return;
                }
                if PREAMBLE.first() != first.first() {
                    return arrival.refuse(stream, first, ONLY_TLS).await;
                }
                // The native wire has no word for it. What speaks TLS answers with an alert.
                let mut timer = Timer::default();
                let until = Some(Instant::now() + arrival.shared.limits.greeting);
                let write = wait::write(&mut stream, ALERT, ALERT.len(), &mut timer, until);
                if write.await.is_ok() {
                    wait::linger(&mut stream, &mut Vec::new()).await;
                }
            }
        }
    }
}

/// Whether a peer has failed to show who it is.
fn is_failure(problem: &TlsProblem) -> bool {
    !matches!(problem, TlsProblem::NotTls | TlsProblem::NothingInCommon | TlsProblem::Broken { .. })
}
