//! Notices: who waits for the end of a connection, or of an object of the peer's.

use super::{
    Connection,
    connection::CONNECTIONS,
    frame::{self, Kind, take32},
    imports::{Import, Place},
};
use crate::{Closed, Closing, LoadError, dispatch::Dispatch};
use futures_channel::oneshot;
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Arc, PoisonError, Weak},
};

/// Those who wait: for the end of an object in a place, or (`None`) of the connection alone.
#[derive(Default)]
pub(super) struct Watchers {
    waiting: BTreeMap<Option<Place>, Vec<oneshot::Sender<Closed>>>,
    /// The objects that are held here although their owner has taken them back.
    gone: HashSet<Place>,
    ended: bool,
}

impl Watchers {
    fn watch(&mut self, place: Option<Place>) -> oneshot::Receiver<Closed> {
        let (sender, receiver) = oneshot::channel();
        let known = match place {
            Some(place) if self.gone.contains(&place) => Some(Closed::Withdrawn),
            _ => self.ended.then_some(Closed::ConnectionLost),
        };
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

    /// The peer has taken back an object that is held here. Says whether that is news.
    pub(super) fn gone(&mut self, place: Place) -> bool {
        let news = self.gone.insert(place);
        for sender in self.waiting.remove(&Some(place)).unwrap_or_default() {
            let _ = sender.send(Closed::Withdrawn);
        }
        news
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

/// Writes the notice that an object is gone.
pub(super) fn write_gone(out: &mut Vec<u8>, (slot, generation): Place) {
    let start = frame::open(out, Kind::Gone, 0);
    frame::put(out, u64::from(slot));
    frame::put(out, u64::from(generation));
    frame::close(out, start);
}

/// Reads such notices.
pub(super) fn read_gone(mut body: &[u8], mut each: impl FnMut(Place)) -> Result<(), LoadError> {
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

/// Objects of a peer's that are gone, and may have been handed on.
#[must_use = "those who have got them are to be told"]
#[derive(Default)]
pub struct Gone(pub(super) Vec<Weak<Import>>);

impl Gone {
    /// Tells those who hold them through this process. Nothing is to be locked meanwhile.
    pub fn tell(self) {
        for import in self.0.iter().filter_map(Weak::upgrade) {
            if let Some(relay) = import.handed_on() {
                let object: Arc<dyn Dispatch> = relay;
                revoke(&object);
            }
        }
    }
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gone").field(&self.0.len()).finish()
    }
}

/// Takes an object away from all peers of the native wire that hold it, and tells them. Says whether
/// there were any.
pub fn revoke(object: &Arc<dyn Dispatch>) -> bool {
    let connections: Vec<_> = {
        let known = CONNECTIONS.read().unwrap_or_else(PoisonError::into_inner);
        known.values().filter_map(Weak::upgrade).collect()
    };
    let mut revoked = false;
    for connection in &connections {
        // The caller holds the object, so that its destructor doesn't run here.
        revoked |= connection.protocol().revoke(object);
    }
    revoked
}
