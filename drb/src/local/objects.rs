//! The objects of this process that are referred to within it, for as long as anybody holds them.

use super::{Held, LocalLink, Target};
use crate::{
    Client, ObjectId, Reference,
    dispatch::Dispatch,
    server::{self, Shared},
    timer::now,
};
use drb_core::native::Tables;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::watch;

/// Never used again, so that nobody reaches another object than the one that was meant.
pub(super) type Place = u64;

/// The shapes of all calls within the process, and what tells these objects from those of connections.
static TABLES: LazyLock<Arc<Tables>> = LazyLock::new(|| Arc::new(Tables::within()));

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

/// Says that an object was withdrawn.
static CHANGES: LazyLock<watch::Sender<()>> = LazyLock::new(|| watch::Sender::new(()));

#[derive(Default)]
struct Table {
    next: Place,
    links: HashMap<Place, Weak<LocalLink>>,
    /// An object that is referred to already gets no second place.
    places: HashMap<Key, Place>,
}

/// Where an object is in memory, its server, and whether that has given it away. As long as the link is
/// there nothing else is at these addresses.
type Key = (usize, usize, bool);

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn tables() -> &'static Arc<Tables> {
    &TABLES
}

/// Waits for objects that are withdrawn.
pub(super) fn changes() -> watch::Receiver<()> {
    CHANGES.subscribe()
}

fn address(object: &Arc<dyn Dispatch>) -> usize {
    Arc::as_ptr(object).addr()
}

/// What holds the object, and what names it.
pub(super) fn hold(
    object: Arc<dyn Dispatch>,
    server: &Arc<Shared>,
    client: &Client,
    given: bool,
) -> (Arc<LocalLink>, Reference) {
    let key = (address(&object), Arc::as_ptr(server).addr(), given);
    // Should it be the last one that holds it, the table is not to be locked.
    let known;
    let mut table = table();
    if let Some(place) = table.places.get(&key) {
        known = table.links.get(place).and_then(Weak::upgrade);
        if let Some(link) = known.as_ref().filter(|link| link.holds()) {
            return (Arc::clone(link), reference(*place));
        }
    }
    let place = table.next;
    table.next += 1;
    let held = Held { place, object: Mutex::new(Some(object)), given };
    let link = Arc::new(LocalLink {
        server: Arc::downgrade(server),
        client: client.clone(),
        limits: Arc::clone(&server.limits),
        target: Target::Held(held),
    });
    server.local.hold(given);
    table.links.insert(place, Arc::downgrade(&link));
    table.places.insert(key, place);
    (link, reference(place))
}

/// Nobody holds the link any more.
pub(super) fn forget(held: &Held, server: &Weak<Shared>) {
    let object = held.object();
    let mut table = table();
    table.links.remove(&held.place);
    if let Some(object) = &object {
        table.take_place((address(object), server.as_ptr().addr(), held.given), held.place);
    }
    drop(table);
    if object.is_some() {
        let_go(server, held.given);
    }
}

/// The object counts no longer.
fn let_go(server: &Weak<Shared>, given: bool) {
    if let Some(server) = server.upgrade() {
        server.local.let_go(given);
    }
}

impl Table {
    fn take_place(&mut self, key: Key, place: Place) {
        // It may have been given anew meanwhile.
        if self.places.get(&key) == Some(&place) {
            self.places.remove(&key);
        }
    }
}

fn reference(place: Place) -> Reference {
    let (slot, generation) = (place as u32, (place >> 32) as u32);
    Reference::without_uri(ObjectId::Slot { table: TABLES.own_objects(), slot, generation })
}

/// What holds the object that a reference means, if anybody does.
pub(super) fn find(reference: &Reference) -> Option<Arc<LocalLink>> {
    let ObjectId::Slot { table: which, slot, generation } = *reference.id() else { return None };
    let place = u64::from(slot) | u64::from(generation) << 32;
    (which == TABLES.own_objects()).then(|| table().links.get(&place)?.upgrade())?
}

/// What names the caller's block.
pub(super) fn block((slot, generation): (u32, u32)) -> Reference {
    Reference::without_uri(ObjectId::Slot { table: TABLES.own_objects(), slot, generation })
}

/// The object in the table that a reference means. No other process can have made such a reference up:
/// it may be handed on to one.
pub(crate) fn object(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    find(reference)?.held()?.object()
}

/// The same also for one that a server with a name has.
pub(super) fn object_or_named(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    object(reference).or_else(|| {
        let server = server::named(reference.uri()?)?;
        server.objects.find(reference.id(), now())
    })
}

/// Takes the object away that a reference means, whoever holds it.
pub(crate) fn withdraw(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    let link = find(reference)?;
    let object = link.withdraw();
    changed();
    object
}

/// The same for an object, and says whether anybody has held it.
pub(crate) fn revoke(object: &Arc<dyn Dispatch>) -> bool {
    let links = links_of(|(wanted, ..)| wanted == address(object));
    let revoked = links.iter().filter_map(|link| link.withdraw()).count() > 0;
    if revoked {
        changed();
    }
    revoked
}

/// Takes all objects away that a server has given away: it has ended.
pub(crate) fn clear(server: &Arc<Shared>) -> Vec<Arc<dyn Dispatch>> {
    let wanted = Arc::as_ptr(server).addr();
    let links = links_of(|(_, server, given)| given && server == wanted);
    links.iter().filter_map(|link| link.withdraw()).collect()
}

/// The links that are wanted. No other one is touched, and none is dropped while the table is locked.
fn links_of(wanted: impl Fn(Key) -> bool) -> Vec<Arc<LocalLink>> {
    let table = table();
    let places = table.places.iter().filter(|(key, _)| wanted(**key)).map(|(_, place)| place);
    let mut places: Vec<Place> = places.copied().collect();
    // In the order in which they were given, whatever the table's.
    places.sort_unstable();
    places.iter().filter_map(|place| table.links.get(place)?.upgrade()).collect()
}

fn changed() {
    CHANGES.send_modify(|()| {});
}

impl LocalLink {
    pub(super) fn held(&self) -> Option<&Held> {
        match &self.target {
            Target::Held(held) => Some(held),
            _ => None,
        }
    }

    fn holds(&self) -> bool {
        self.held().is_some_and(|held| held.object().is_some())
    }

    /// Takes the object away. Given to somebody anew, it gets another place.
    fn withdraw(&self) -> Option<Arc<dyn Dispatch>> {
        let held = self.held()?;
        let object = held.take()?;
        table().take_place((address(&object), self.server.as_ptr().addr(), held.given), held.place);
        let_go(&self.server, held.given);
        Some(object)
    }
}
