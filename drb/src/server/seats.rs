//! The connections of a server, by whom they come from.

use super::{
    stopper::Stopper,
    turns::{Asked, Turns, after_others},
};
use crate::{Identity, Peer, timer::now};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    future::poll_fn,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// Those of one server.
pub(super) struct Seats {
    peers: Mutex<BTreeMap<Origin, Arc<Lane>>>,
    /// How many peers there are. It changes while they are locked, and is read without that.
    count: AtomicUsize,
    /// How many turns a peer has at a time: one for each thread, so that it keeps all of them busy if nobody else does.
    turns: usize,
}

/// Who is one peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Address(IpAddr),
    /// A process of this machine, as far as it is known.
    Process(Option<u32>),
    Named(Arc<str>),
}

/// What the connections of one peer share.
struct Lane {
    connections: AtomicUsize,
    turns: Arc<Turns>,
}

/// A connection's place among those of its peer, and what stops it.
pub(crate) struct Seat {
    pub(crate) stopper: Stopper,
    seats: Arc<Seats>,
    origin: Origin,
    lane: Arc<Lane>,
    /// Where it is with its turn: one of those below, or the number under which it waits. Only its task looks at
    /// this and the next one.
    turn: AtomicU64,
    /// How often it has read in this turn. When it is as often as it may, the turn is over.
    reads: AtomicU8,
}

/// It has none.
const NONE: u64 = 0;
/// It has one that it asks nobody for: its peer has few connections.
const OWN: u64 = 1;
/// It has one of those that the connections of its peer share.
const SHARED: u64 = 2;
/// From here on, what waits.
const WAITS: u64 = 3;

/// So often may be read in one turn: whether there is more than the first time, not every stream can tell without that.
const READS: u8 = 2;

/// So long calls are served in one turn. The last one is brought to where it waits for something.
const QUANTUM: Duration = Duration::from_micros(50);

/// After so many calls it is looked how long the turn has been, if there are no other peers. They may be about to
/// connect.
const CALLS: u32 = 16;

impl Seats {
    /// For a server that runs here.
    pub(super) fn new() -> Self {
        let turns = Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers());
        Self { peers: Mutex::default(), count: AtomicUsize::new(0), turns }
    }

    /// A seat for a connection, if there is one left among the `most` of an address. This machine's own processes
    /// may have any number.
    pub(super) fn take(
        self: &Arc<Self>,
        peer: &Peer,
        identity: impl FnOnce() -> Identity,
        most: usize,
    ) -> Option<Arc<Seat>> {
        let origin = Origin::of(peer, identity);
        let most = match origin {
            Origin::Address(address) if !address.is_loopback() => most,
            _ => usize::MAX,
        };
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = match peers.entry(origin.clone()) {
            Entry::Occupied(lane) if lane.get().connections.load(Ordering::Relaxed) < most => {
                Arc::clone(lane.get())
            }
            Entry::Vacant(place) if most > 0 => {
                Arc::clone(place.insert(Arc::new(Lane::new(self.turns))))
            }
            _ => return None,
        };
        lane.connections.fetch_add(1, Ordering::Relaxed);
        self.count.store(peers.len(), Ordering::Relaxed);
        drop(peers);
        let (stopper, seats) = (Stopper::default(), Arc::clone(self));
        let (turn, reads) = (AtomicU64::new(NONE), AtomicU8::new(0));
        Some(Arc::new(Seat { stopper, seats, origin, lane, turn, reads }))
    }
}

impl Origin {
    fn of(peer: &Peer, identity: impl FnOnce() -> Identity) -> Self {
        match peer {
            Peer::Tcp(address) => Self::Address(address.ip()),
            Peer::Named(name) => Self::Named(Arc::clone(name)),
            _ => Self::Process(match identity() {
                Identity::Unix { pid, .. } => pid,
                _ => None,
            }),
        }
    }
}

impl Lane {
    fn new(turns: usize) -> Self {
        Self { connections: AtomicUsize::new(0), turns: Arc::new(Turns::new(turns)) }
    }
}

impl Seat {
    /// Whether there are other peers, with whom turns are taken.
    pub(crate) fn takes_turns(&self) -> bool {
        // Who waits is told even if the others have gone.
        self.seats.count.load(Ordering::Relaxed) > 1 || self.waits()
    }

    /// Waits for a turn, if turns are taken.
    pub(super) async fn turn(&self) {
        poll_fn(|context| self.poll_turn(context)).await;
    }

    /// Ready when the connection may read, and do what it has read. That takes a turn, if turns are taken, which ends
    /// with what the task does in one go: so nobody has one who waits for anything.
    pub(crate) fn poll_turn(&self, context: &mut Context<'_>) -> Poll<()> {
        let (turn, is_over) = (self.turn.load(Ordering::Relaxed), self.is_over());
        if turn == NONE && !is_over && !self.takes_turns() {
            return Poll::Ready(());
        }
        let turn = match turn {
            OWN | SHARED if !is_over => turn,
            NONE | OWN if is_over => {
                after_others(context.waker());
                return Poll::Pending;
            }
            SHARED => {
                self.end_turn();
                ready!(self.ask(context))
            }
            NONE if self.lane.connections.load(Ordering::Relaxed) <= self.seats.turns => OWN,
            NONE => ready!(self.ask(context)),
            waits if self.lane.turns.has_got(waits - WAITS, context.waker()) => SHARED,
            _ => return Poll::Pending,
        };
        self.turn.store(turn, Ordering::Relaxed);
        self.reads.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(())
    }

    /// It is not going to read, whatever it has waited for.
    pub(crate) fn give_up(&self) {
        let turn = self.turn.load(Ordering::Relaxed);
        if turn >= WAITS {
            self.turn.store(NONE, Ordering::Relaxed);
            self.lane.turns.give_up(turn - WAITS);
        }
    }

    /// Whether it waits for a turn.
    pub(crate) fn waits(&self) -> bool {
        self.turn.load(Ordering::Relaxed) >= WAITS
    }

    fn ask(&self, context: &Context<'_>) -> Poll<u64> {
        match self.lane.turns.ask(context.waker()) {
            Asked::Got => Poll::Ready(SHARED),
            Asked::Waits(number) => {
                self.turn.store(number + WAITS, Ordering::Relaxed);
                Poll::Pending
            }
        }
    }

    /// After so many calls it is to be looked whether the turn [is over](Self::has_served).
    pub(crate) fn calls(&self) -> u32 {
        if self.takes_turns() { 1 } else { CALLS }
    }

    /// Whether the turn is over with the call that was served just now, as calls have been served since then. What
    /// else has been read is left for the next one.
    pub(crate) fn has_served(&self, since: Instant) -> bool {
        let is_over = now().saturating_duration_since(since) >= QUANTUM;
        if is_over {
            self.reads.store(READS, Ordering::Relaxed);
        }
        is_over
    }

    fn is_over(&self) -> bool {
        self.reads.load(Ordering::Relaxed) >= READS
    }

    /// The task waits, or lets others go on.
    pub(super) fn end_turn(&self) {
        match self.turn.load(Ordering::Relaxed) {
            WAITS.. => return,
            SHARED => self.lane.turns.end(),
            _ => {}
        }
        self.turn.store(NONE, Ordering::Relaxed);
        self.reads.store(0, Ordering::Relaxed);
    }

    /// Has the task go on when others have had their turns.
    pub(crate) fn go_on(&self, context: &Context<'_>) {
        match self.takes_turns() {
            true => after_others(context.waker()),
            false => context.waker().wake_by_ref(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.end_turn();
        self.give_up();
        let mut peers = self.seats.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lane.connections.fetch_sub(1, Ordering::Relaxed) == 1 {
            peers.remove(&self.origin);
            self.seats.count.store(peers.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::SocketAddr, task::Waker};

    fn seats() -> Arc<Seats> {
        Arc::new(Seats { peers: Mutex::default(), count: AtomicUsize::new(0), turns: 1 })
    }

    fn seat(seats: &Arc<Seats>, address: [u8; 4]) -> Option<Arc<Seat>> {
        let peer = Peer::Tcp(SocketAddr::from((address, 1)));
        seats.take(&peer, || Identity::Anonymous, 2)
    }

    #[test]
    fn seats_are_counted_for_each_address() {
        let seats = seats();
        let first = seat(&seats, [10, 0, 0, 1]);
        let second = seat(&seats, [10, 0, 0, 1]);
        assert!(first.is_some() && second.is_some());
        assert!(seat(&seats, [10, 0, 0, 1]).is_none());
        assert!(seat(&seats, [10, 0, 0, 2]).is_some());
        drop(first);
        assert!(seat(&seats, [10, 0, 0, 1]).is_some());
        // This machine's own processes are not counted.
        let own: Vec<_> = (0..10).map(|_| seat(&seats, [127, 0, 0, 1])).collect();
        assert!(own.iter().all(Option::is_some));
        drop((second, own));
        assert!(seats.peers.lock().unwrap().is_empty(), "nobody is remembered for ever");
        let peer = Peer::Tcp(SocketAddr::from(([10, 0, 0, 1], 1)));
        assert!(seats.take(&peer, || Identity::Anonymous, 0).is_none());
        assert!(seats.peers.lock().unwrap().is_empty());
    }

    #[test]
    fn processes_on_a_unix_socket_are_peers_of_their_own() {
        let process = |pid| Origin::of(&Peer::Unix, || Identity::Unix { uid: 0, gid: 0, pid });
        assert_ne!(process(Some(1)), process(Some(2)));
        assert_eq!(process(Some(1)), process(Some(1)));
        let named = |name: &str| Origin::of(&Peer::Named(name.into()), || Identity::Anonymous);
        assert_ne!(named("a"), named("b"));
    }

    #[test]
    fn a_peer_has_so_many_turns_at_a_time_if_there_is_another_one() {
        let seats = seats();
        let mut context = Context::from_waker(Waker::noop());
        let mut has_turn = |seat: &Seat| seat.poll_turn(&mut context).is_ready();
        let own: Vec<_> = (0..2).map(|_| seat(&seats, [10, 0, 0, 1]).unwrap()).collect();
        assert!(own.iter().all(|seat| has_turn(seat) && has_turn(seat)), "it is alone");
        let other = seat(&seats, [10, 0, 0, 2]).unwrap();
        assert!(has_turn(&own[0]) && !has_turn(&own[1]) && has_turn(&other));
        // Without a runtime nobody else is to be waited for.
        own[0].end_turn();
        assert!(has_turn(&own[1]) && !has_turn(&own[0]));
    }

    #[test]
    fn a_turn_is_passed_on_by_who_goes_or_does_not_need_it() {
        let seats = seats();
        let mut context = Context::from_waker(Waker::noop());
        let mut has_turn = |seat: &Seat| seat.poll_turn(&mut context).is_ready();
        let _other = seat(&seats, [10, 0, 0, 2]).unwrap();
        let [a, b, c, d, e] = [(); 5].map(|()| seat(&seats, [127, 0, 0, 1]).unwrap());
        assert!(has_turn(&a));
        assert!([&b, &c, &d, &e].into_iter().all(|seat| !has_turn(seat)));
        drop(b);
        // Now it is that of `c`, which doesn't know.
        a.end_turn();
        assert!(!has_turn(&a));
        drop(c);
        d.give_up();
        assert!(has_turn(&e));
        e.give_up();
        assert!(!has_turn(&a), "only who waits gives up");
        drop(e);
        assert!(has_turn(&a));
    }

    #[test]
    fn a_turn_is_over_with_a_call_that_takes_long() {
        let seats = seats();
        let mut context = Context::from_waker(Waker::noop());
        let mut has_turn = |seat: &Seat| seat.poll_turn(&mut context).is_ready();
        let long_ago = now().checked_sub(QUANTUM).unwrap();
        let alone = seat(&seats, [10, 0, 0, 1]).unwrap();
        // Whether others come is looked for now and then.
        assert_eq!(alone.calls(), CALLS);
        assert!(!alone.has_served(now() + QUANTUM));
        assert!(has_turn(&alone) && alone.has_served(long_ago));
        assert!(!has_turn(&alone));
        alone.end_turn();
        assert!(has_turn(&alone));
        let _other = seat(&seats, [10, 0, 0, 2]).unwrap();
        assert_eq!(alone.calls(), 1);
        assert!(has_turn(&alone) && !alone.has_served(now() + QUANTUM) && has_turn(&alone));
        alone.end_turn();
        assert!(has_turn(&alone) && alone.has_served(long_ago) && !has_turn(&alone));
        alone.end_turn();
        assert!(has_turn(&alone));
    }

    #[test]
    fn a_turn_is_good_for_two_reads() {
        let seats = seats();
        let mut context = Context::from_waker(Waker::noop());
        let mut has_turn = |seat: &Seat| seat.poll_turn(&mut context).is_ready();
        let few = seat(&seats, [10, 0, 0, 1]).unwrap();
        let many = [1, 2].map(|_| seat(&seats, [10, 0, 0, 2]).unwrap());
        assert!(has_turn(&few) && has_turn(&few) && !has_turn(&few));
        few.end_turn();
        assert!(has_turn(&few));
        assert!(has_turn(&many[0]) && has_turn(&many[0]) && !has_turn(&many[1]));
        // Its third read is one of the next turn, and the other one has asked before.
        assert!(!has_turn(&many[0]) && has_turn(&many[1]));
    }
}
