//! The peer's objects that are held here.

use super::{Connection, frame, places::Places};
use crate::{ObjectId, OneRelay, Reference, Relay, Remote};
use std::{
    cell::Cell,
    fmt, ptr,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

/// Where an object is in the peer's table: its place and generation.
pub(super) type Place = (u32, u32);

/// An object of the peer's, for as long as anybody here holds it. When the last one lets go, the peer
/// is told how often it was received.
pub(crate) struct Import {
    connection: Arc<Connection>,
    place: Place,
    received: AtomicU64,
    /// The object as one of this process, for others.
    relay: OneRelay,
}

/// What is held, and what is to be given back.
#[derive(Default)]
pub(super) struct Imports {
    held: Places<Weak<Import>>,
    releases: Releases,
    /// Releases that wait for the messages before this one.
    waiting: Option<(u64, Vec<(Place, u64)>)>,
}

impl Import {
    /// The object as one of this process, which others can call.
    pub(super) fn relay(self: &Arc<Self>) -> Arc<Relay> {
        self.relay.get(|| {
            let table = self.connection.tables().peer_objects;
            let (slot, generation) = self.place;
            let reference = Reference::without_uri(ObjectId::Slot { table, slot, generation });
            Remote::new(Arc::clone(self) as _, reference)
        })
    }

    /// The same, if others have got it.
    pub(super) fn handed_on(&self) -> Option<Arc<Relay>> {
        self.relay.known()
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

/// Takes a bounded time, and waits for nobody but those who touch the same table.
impl Drop for Import {
    fn drop(&mut self) {
        let received = *self.received.get_mut();
        let later = self.connection.lets_go();
        self.connection.protocol().let_go(self.place, received, later);
    }
}

thread_local! {
    /// The connection whose peer is told later what is let go of on this thread, and whether something was.
    static LATER: Cell<(*const Connection, bool)> = const { Cell::new((ptr::null(), false)) };
}

impl Connection {
    /// Runs what is going to have an answer sent soon, which takes with it what it lets go of; and says whether there is
    /// any of that.
    pub fn tell_later<T>(&self, run: impl FnOnce() -> T) -> (T, bool) {
        /// However it ends.
        struct Restore((*const Connection, bool));
        impl Drop for Restore {
            fn drop(&mut self) {
                LATER.set(self.0);
            }
        }
        let restore = Restore(LATER.replace((self, false)));
        let given = run();
        let (_, some) = LATER.get();
        drop(restore);
        (given, some)
    }

    /// Something is let go of; says whether the peer is told later.
    fn lets_go(&self) -> bool {
        let (connection, _) = LATER.get();
        let later = ptr::eq(connection, self);
        if later {
            LATER.set((connection, true));
        }
        later
    }

    /// No answer has taken it with it.
    pub fn tell(&self) {
        self.protocol().leave_to_sender();
    }
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import").field("place", &self.place).finish_non_exhaustive()
    }
}

/// For so many releases the memory is used again.
const KEEP: usize = 64;

/// How often each object was received that nobody holds any more.
#[derive(Default)]
struct Releases(Vec<(Place, u64)>);

impl Releases {
    fn add(&mut self, place: Place, received: u64) {
        if self.0.len() == self.0.capacity() {
            // However often an object comes and goes, it takes the room of one. (What is left of the memory
            // afterwards is so much that this is worth its time.)
            self.sum_up();
            self.0.reserve(self.0.len() + 8);
        }
        self.0.push((place, received));
    }

    fn take(&mut self) -> Vec<(Place, u64)> {
        self.sum_up();
        std::mem::take(&mut self.0)
    }

    /// Writes them, in frames of at most `chunk` bytes.
    fn write(&mut self, out: &mut Vec<u8>, chunk: usize) {
        self.sum_up();
        write(self.0.drain(..), out, chunk);
        if self.0.capacity() > KEEP {
            self.0 = Vec::new();
        }
    }

    /// In the order of the places, each of them once.
    fn sum_up(&mut self) {
        self.0.sort_unstable();
        self.0.dedup_by(|(place, received), (before, sum)| {
            let same = place == before;
            if same {
                *sum = sum.saturating_add(*received);
            }
            same
        });
    }
}

impl Imports {
    /// Makes room for so many that are about to be received.
    pub(super) fn reserve(&mut self, count: usize) {
        self.held.reserve(count);
    }

    /// Takes note that the object was received once more, and gives what holds it.
    pub(super) fn receive(&mut self, connection: &Arc<Connection>, place: Place) -> Arc<Import> {
        let once_more = |held: &Weak<Import>| {
            let import = held.upgrade()?;
            import.received.fetch_add(1, Ordering::Relaxed);
            Some(import)
        };
        let new = || {
            let (connection, received) = (Arc::clone(connection), AtomicU64::new(1));
            let import =
                Arc::new(Import { connection, place, received, relay: OneRelay::default() });
            (Arc::downgrade(&import), import)
        };
        self.held.find_or_insert(place, once_more, new)
    }

    /// What holds the object, if it is held.
    pub(super) fn get(&self, place: Place) -> Option<Arc<Import>> {
        self.held.get(place).and_then(Weak::upgrade)
    }

    /// Nobody holds the object any more, which was received so often.
    pub(super) fn let_go(&mut self, place: Place, received: u64) {
        // It may have been received anew meanwhile; then another import holds it.
        self.held.remove_if(place, |held| held.strong_count() == 0);
        self.releases.add(place, received);
    }

    /// Whether the object is held.
    pub(super) fn holds(&self, place: Place) -> bool {
        self.held.get(place).is_some_and(|held| held.strong_count() > 0)
    }

    /// What holds the object, if it is held: it isn't to be held here any longer than that.
    pub(super) fn weak(&self, place: Place) -> Option<Weak<Import>> {
        self.held.get(place).cloned()
    }

    /// What holds each of the objects.
    pub(super) fn all(&self) -> impl Iterator<Item = Weak<Import>> {
        self.held.all().cloned()
    }

    pub(super) fn has_releases(&self) -> bool {
        !self.releases.0.is_empty() || self.waiting.is_some()
    }

    /// Writes what is to be given back, in frames of at most `chunk` bytes.
    ///
    /// A message may refer to an object, or call it, that was let go of when the message was made. So
    /// no release overtakes the messages that were there before it: of those that are sent in pieces,
    /// `oldest` is the number of the first one, and `next` that of the next one.
    pub(super) fn write_releases(
        &mut self,
        out: &mut Vec<u8>,
        chunk: usize,
        oldest: Option<u64>,
        next: u64,
    ) {
        let may_go = |before: u64| oldest.is_none_or(|oldest| oldest >= before);
        match self.waiting.take() {
            Some((before, releases)) if may_go(before) => write(releases, out, chunk),
            waiting => self.waiting = waiting,
        }
        if self.waiting.is_some() || self.releases.0.is_empty() {
            return;
        }
        if may_go(next) {
            self.releases.write(out, chunk);
        } else {
            self.waiting = Some((next, self.releases.take()));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

fn write(releases: impl IntoIterator<Item = (Place, u64)>, out: &mut Vec<u8>, chunk: usize) {
    let mut releases = releases.into_iter().peekable();
    while releases.peek().is_some() {
        let start = frame::open(out, frame::Kind::Release, 0);
        while out.len() - start + 30 < chunk
            && let Some(((slot, generation), count)) = releases.next()
        {
            frame::put(out, u64::from(slot));
            frame::put(out, u64::from(generation));
            frame::put(out, count);
        }
        frame::close(out, start);
    }
}
