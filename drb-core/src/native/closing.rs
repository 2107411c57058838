//! Notices: who waits for the end of a connection, or of an object of the peer's.

use super::{
    Connection,
    connection::CONNECTIONS,
    exports::address,
    frame::{self, Kind, take32},
    imports::{Import, Place},
};
use crate::{Closed, Closing, LoadError, dispatch::Dispatch};
use futures_channel::oneshot;
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, PoisonError, Weak},
};

/// Those who wait: for the end of an object in a place, or (`None`) of the connection alone.
#[derive(Default)]
pub(super) struct Watchers {
    waiting: BTreeMap<Option<Place>, Vec<oneshot::Sender<Closed>>>,
    /// The objects that are held here although they can't be called any more, and why.
    gone: HashMap<Place, Closed>,
    ended: bool,
}

impl Watchers {
    fn watch(&mut self, place: Option<Place>) -> oneshot::Receiver<Closed> {
        let (sender, receiver) = oneshot::channel();
        let known = match place {
            Some(place) => self.gone.get(&place).copied(),
            None => None,
        };
        let known = known.or_else(|| self.ended.then_some(Closed::ConnectionLost));
        match known {
            Some(reason) => _ = sender.send(reason),
            None => {
                let waiting = self.waiting.entry(place).or_default();
                // Those who no longer wait are forgotten by those who come.
                waiting.retain(|waiting| !waiting.is_canceled());
                waiting.push(sender);
            }
        }
        receiver
    }

    /// An object that is held here can't be called any more. Says whether that is news.
    pub(super) fn gone(&mut self, place: Place, reason: Closed) -> bool {
        let Entry::Vacant(news) = self.gone.entry(place) else { return false };
        news.insert(reason);
        for sender in self.waiting.remove(&Some(place)).unwrap_or_default() {
            let _ = sender.send(reason);
        }
        true
    }

    /// Whether anybody waits.
    pub(super) fn are_waiting(&self) -> bool {
        self.waiting.values().flatten().any(|waiting| !waiting.is_canceled())
    }

    /// Nobody here holds the object any more.
    pub(super) fn let_go(&mut self, place: Place) {
        if !self.gone.is_empty() {
            self.gone.remove(&place);
        }
        if !self.waiting.is_empty() {
            self.waiting.remove(&Some(place));
        }
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) {
        self.ended = true;
        for sender in std::mem::take(&mut self.waiting).into_values().flatten() {
            let _ = sender.send(Closed::ConnectionLost);
        }
    }
}

/// Writes the notice that objects can't be called any more.
pub(super) fn write(out: &mut Vec<u8>, kind: Kind, places: impl IntoIterator<Item = Place>) {
    let start = frame::open(out, kind, 0);
    for (slot, generation) in places {
        frame::put(out, u64::from(slot));
        frame::put(out, u64::from(generation));
    }
    frame::close(out, start);
}

/// Reads such notices.
pub(super) fn read(mut body: &[u8], mut each: impl FnMut(Place)) -> Result<(), LoadError> {
    while !body.is_empty() {
        each((take32(&mut body)?, take32(&mut body)?));
    }
    Ok(())
}

fn closing(told: oneshot::Receiver<Closed>, held: impl Send + 'static) -> Closing {
    Closing::new(async move {
        // One who goes without a word is the connection.
        let reason = told.await.unwrap_or(Closed::ConnectionLost);
        drop(held);
        reason
    })
}

impl Connection {
    /// Waits for the connection's end, which doesn't come before that because nothing goes over it. `held` is held
    /// meanwhile. `None` if no further calls are made over it: then another one is to be watched.
    pub fn closed(&self, held: impl Send + 'static) -> Option<Closing> {
        let told = {
            let mut protocol = self.protocol();
            if protocol.has_gone_away() {
                return None;
            }
            protocol.watchers.watch(None)
        };
        Some(closing(told, held))
    }

    /// Waits until the object in a place is gone, or the connection. `held` is held meanwhile.
    pub(super) fn watch(&self, place: Place, held: impl Send + 'static) -> Closing {
        let told = self.protocol().watchers.watch(Some(place));
        closing(told, held)
    }
}

/// Objects of a peer's that can't be called any more, and may have been handed on; and why.
#[must_use = "those who have got them are to be told"]
#[derive(Default)]
pub struct Gone(Vec<(Weak<Import>, Closed)>);

impl Gone {
    pub(super) fn add(&mut self, import: Option<Weak<Import>>, reason: Closed) {
        self.0.extend(import.map(|import| (import, reason)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells those who hold them through this process. Nothing is to be locked meanwhile.
    pub fn tell(self) {
        let mut cut_off: Vec<Arc<dyn Dispatch>> = Vec::new();
        for (import, reason) in self.0 {
            // What stands for the object where it was handed on to.
            let relay = import.upgrade().and_then(|import| import.handed_on());
            let Some(relay) = relay else { continue };
            match reason {
                Closed::ConnectionLost => cut_off.push(relay),
                _ => {
                    let object: Arc<dyn Dispatch> = relay;
                    revoke(&object);
                }
            }
        }
        if cut_off.is_empty() {
            return;
        }
        let addresses = cut_off.iter().map(address).collect();
        for connection in connections() {
            connection.protocol().cut_off(&addresses);
        }
    }
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gone").field(&self.0.len()).finish()
    }
}

/// All connections of this process, the oldest first.
pub fn connections() -> Vec<Arc<Connection>> {
    let known = CONNECTIONS.read().unwrap_or_else(PoisonError::into_inner);
    let known =
        known.iter().filter_map(|(table, connection)| Some((*table, connection.upgrade()?)));
    let mut connections: Vec<_> = known.collect();
    connections.sort_unstable_by_key(|(table, _)| *table);
    connections.into_iter().map(|(_, connection)| connection).collect()
}

/// Takes an object away from all peers of the native wire that hold it, and tells them. Says whether
/// there were any.
pub fn revoke(object: &Arc<dyn Dispatch>) -> bool {
    let mut revoked = false;
    for connection in connections() {
        // The caller holds the object, so that its destructor doesn't run here.
        revoked |= connection.protocol().revoke(object);
    }
    revoked
}
