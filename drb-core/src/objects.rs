//! The object table: which objects a server has, and under which ids they can be called.

use crate::{DumpError, Exception, Limit, ObjectId, block::BLOCK_ENDED, dispatch::Dispatch};
use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// The objects of one server: its front, those with a name, and those that were exported because a
/// method gave them to a peer, or because the program keeps them.
///
/// Ruby's wire doesn't say when a peer has forgotten a reference. An exported object is therefore
/// held for a lease, which every use renews (as with Ruby's `TimerIdConv`), and each peer can make
/// the server hold only so many. Ids are random, so that nobody can guess one.
pub struct Objects {
    front: Option<Arc<dyn Dispatch>>,
    names: HashMap<Arc<str>, Arc<dyn Dispatch>>,
    lease: Duration,
    per_holder: usize,
    /// What all tables of the process hold, and may hold.
    total: Total,
    most: usize,
    /// Makes ids: a hash with a random key, of a counter.
    ids: RandomState,
    exports: Mutex<Exports>,
}

#[derive(Default)]
struct Exports {
    by_id: HashMap<i64, Export>,
    /// An object is exported once. (Lent ones are not in here: each lending is one of its own.)
    by_address: HashMap<usize, i64>,
    held: HashMap<Holder, usize>,
    counter: u64,
}

struct Export {
    object: Arc<dyn Dispatch>,
    /// Whom it is counted for; nobody, if the program keeps it.
    holder: Option<Holder>,
    since: Instant,
    term: Term,
}

/// For whom an object is exported. On Ruby's wire, where a peer has many connections, that is the
/// machine that it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// Processes at an address.
    Address(IpAddr),
    /// Processes on this machine, over Unix sockets, and this process itself.
    Local,
    /// Processes behind names that nobody has looked up yet: an object is passed to them in the
    /// first call. Those at the other end of connections of the program's own, too.
    Unresolved,
}

/// How long an exported object is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Term {
    /// Until then, if it isn't used before; each use renews the lease.
    Lease(Instant),
    /// Until the call has ended that it was passed to: a block.
    Call,
    /// Until the program withdraws it.
    Kept,
}

/// An entry of the object table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// What it is called by.
    pub id: ObjectId,
    /// Ruby's name of its class.
    pub class: &'static str,
    /// The first peer that was given a reference to it; `None` if the program keeps it.
    pub holder: Option<Holder>,
    /// When it was exported.
    pub since: Instant,
    /// How long it is held.
    pub term: Term,
}

/// How many objects all tables of a process hold. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Total(Arc<AtomicUsize>);

impl Total {
    /// How many there are.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, most: usize) -> bool {
        let add = |count: usize| (count < most).then_some(count + 1);
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn sub(&self, count: usize) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Objects {
    /// How long an exported object is held after its last use: 600 s, as with Ruby's `TimerIdConv`.
    pub const LEASE: Duration = Duration::from_secs(600);

    /// A table with a front object (or none), that holds at most `per_holder` exported objects for
    /// each peer, each for `lease`.
    pub fn new(front: Option<Arc<dyn Dispatch>>, per_holder: usize, lease: Duration) -> Self {
        Self {
            front,
            names: HashMap::new(),
            lease,
            per_holder,
            total: Total::default(),
            most: usize::MAX,
            ids: RandomState::new(),
            exports: Mutex::default(),
        }
    }

    /// The same with an object that is called as `druby://host:port?name`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>, object: Arc<dyn Dispatch>) -> Self {
        self.names.insert(name.into(), object);
        self
    }

    /// The same, holding at most `most` exported objects together with all tables that count in
    /// `total`.
    #[must_use]
    pub fn within(mut self, total: Total, most: usize) -> Self {
        (self.total, self.most) = (total, most);
        self
    }

    /// How long an exported object is held after its last use.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// The object that an id means, and its lease renewed.
    pub fn find(&self, id: &ObjectId, now: Instant) -> Option<Arc<dyn Dispatch>> {
        match id {
            ObjectId::Front => self.front.clone(),
            ObjectId::Name(name) => self.names.get(name).cloned(),
            ObjectId::Number(number) => {
                let mut exports = self.exports();
                let export = exports.by_id.get_mut(number)?;
                if let Term::Lease(until) = &mut export.term {
                    if *until <= now {
                        // Its time is over, only that nobody has swept yet.
                        return None;
                    }
                    *until = now + self.lease;
                }
                Some(Arc::clone(&export.object))
            }
            ObjectId::Slot { .. } | ObjectId::Promise { .. } | ObjectId::Opaque(_) => None,
        }
    }

    /// Gives an object an id that `holder` can call it by, for a lease from now on. An object has one
    /// id, however often it is exported.
    ///
    /// # Errors
    /// [`Limit::Exports`], [`Limit::ExportsTotal`].
    pub fn export(
        &self,
        object: Arc<dyn Dispatch>,
        holder: Holder,
        now: Instant,
    ) -> Result<ObjectId, DumpError> {
        let until = now + self.lease;
        if let Some(id) = self.constant(&object) {
            return Ok(id);
        }
        let exports = &mut *self.exports();
        if let Some((id, export)) = exports.known(&object) {
            if let Term::Lease(old) = &mut export.term {
                *old = until;
            }
            return Ok(id);
        }
        let address = address(&object);
        let term = Term::Lease(until);
        let id = self.insert(exports, Export { object, holder: Some(holder), since: now, term })?;
        exports.by_address.insert(address, id);
        Ok(ObjectId::Number(id))
    }

    /// Gives an object an id that it has until it is [withdrawn](Objects::withdraw), and counts it
    /// for no peer.
    ///
    /// # Errors
    /// [`Limit::ExportsTotal`].
    pub fn keep(&self, object: Arc<dyn Dispatch>, now: Instant) -> Result<ObjectId, DumpError> {
        if let Some(id) = self.constant(&object) {
            return Ok(id);
        }
        let exports = &mut *self.exports();
        if let Some((id, export)) = exports.known(&object) {
            export.term = Term::Kept;
            if let Some(holder) = export.holder.take() {
                exports.release(holder);
            }
            return Ok(id);
        }
        let address = address(&object);
        let export = Export { object, holder: None, since: now, term: Term::Kept };
        let id = self.insert(exports, export)?;
        exports.by_address.insert(address, id);
        Ok(ObjectId::Number(id))
    }

    /// Gives a block an id for the call that it is passed to, with whose end it is
    /// [withdrawn](Objects::withdraw). Each lending has an id of its own.
    ///
    /// # Errors
    /// [`Limit::Exports`], [`Limit::ExportsTotal`].
    pub fn lend(
        &self,
        object: Arc<dyn Dispatch>,
        holder: Holder,
        now: Instant,
    ) -> Result<ObjectId, DumpError> {
        let export = Export { object, holder: Some(holder), since: now, term: Term::Call };
        self.insert(&mut self.exports(), export).map(ObjectId::Number)
    }

    /// Takes the objects out of the table whose lease is over. They are given to the caller, whose
    /// business it is where their destructors run.
    pub fn sweep(&self, now: Instant) -> Vec<Arc<dyn Dispatch>> {
        let over = |export: &Export| matches!(export.term, Term::Lease(until) if until <= now);
        self.remove(over)
    }

    /// Takes all exported objects out of the table, kept ones too.
    pub fn clear(&self) -> Vec<Arc<dyn Dispatch>> {
        self.remove(|_| true)
    }

    /// Takes an exported object out of the table before its time is over.
    pub fn withdraw(&self, id: &ObjectId) -> Option<Arc<dyn Dispatch>> {
        let ObjectId::Number(number) = id else { return None };
        let object = self.exports().remove(*number)?;
        self.total.sub(1);
        Some(object)
    }

    /// The ids under which an object is exported at the moment. It looks through the whole table.
    pub fn ids_of(&self, object: &Arc<dyn Dispatch>) -> Vec<ObjectId> {
        let exports = self.exports();
        let same = exports.by_id.iter().filter(|(_, export)| Arc::ptr_eq(&export.object, object));
        same.map(|(id, _)| ObjectId::Number(*id)).collect()
    }

    /// Whether there is an object with this id. Unlike [`Objects::find`], it renews no lease.
    pub fn has(&self, id: &ObjectId) -> bool {
        match id {
            ObjectId::Number(number) => self.exports().by_id.contains_key(number),
            // These stay.
            _ => true,
        }
    }

    /// How many objects are exported at the moment.
    pub fn exported(&self) -> usize {
        self.exports().by_id.len()
    }

    /// What is exported at the moment, in no order.
    pub fn list(&self) -> Vec<Exported> {
        let exports = self.exports();
        let entries = exports.by_id.iter().map(|(id, export)| Exported {
            id: ObjectId::Number(*id),
            class: export.object.class(),
            holder: export.holder,
            since: export.since,
            term: export.term,
        });
        entries.collect()
    }

    /// How many objects are exported for each peer.
    pub fn holders(&self) -> HashMap<Holder, usize> {
        self.exports().held.clone()
    }

    /// The id of the front, or of an object with a name: these are not exported anew.
    fn constant(&self, object: &Arc<dyn Dispatch>) -> Option<ObjectId> {
        let wanted = address(object);
        if self.front.as_ref().is_some_and(|front| address(front) == wanted) {
            return Some(ObjectId::Front);
        }
        let named = self.names.iter().find(|(_, named)| address(named) == wanted);
        named.map(|(name, _)| ObjectId::Name(Arc::clone(name)))
    }

    /// A new entry, if it is within the bounds.
    fn insert(&self, exports: &mut Exports, export: Export) -> Result<i64, DumpError> {
        let held = export.holder.and_then(|holder| exports.held.get(&holder));
        if held.is_some_and(|held| *held >= self.per_holder) {
            return Err(DumpError::limit(Limit::Exports, self.per_holder));
        }
        if !self.total.add(self.most) {
            return Err(DumpError::limit(Limit::ExportsTotal, self.most));
        }
        let id = loop {
            exports.counter += 1;
            let id = self.id(exports.counter, export.term == Term::Call);
            if !exports.by_id.contains_key(&id) {
                break id;
            }
        };
        if let Some(holder) = export.holder {
            *exports.held.entry(holder).or_default() += 1;
        }
        exports.by_id.insert(id, export);
        Ok(id)
    }

    fn remove(&self, unwanted: impl Fn(&Export) -> bool) -> Vec<Arc<dyn Dispatch>> {
        let exports = &mut *self.exports();
        let ids: Vec<i64> = (exports.by_id.iter())
            .filter(|(_, export)| unwanted(export))
            .map(|(id, _)| *id)
            .collect();
        let removed: Vec<_> = ids.into_iter().filter_map(|id| exports.remove(id)).collect();
        self.total.sub(removed.len());
        exports.give_back();
        removed
    }

    /// A random number of 62 bits without a sign, which a Ruby holds as a Fixnum. That of a block has
    /// an end of its own, and no other has that.
    fn id(&self, counter: u64, block: bool) -> i64 {
        let id = (self.ids.hash_one(counter) >> 2) as i64;
        match (block, is_block(id)) {
            (true, _) => id & !BLOCK.0 | BLOCK.1,
            (false, true) => id ^ 1,
            (false, false) => id,
        }
    }

    fn exports(&self) -> MutexGuard<'_, Exports> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bits that tell the ids of blocks from those of other objects, and what they are there. There
/// are enough of them for an id that was never given out not to be taken for that of a block.
const BLOCK: (i64, i64) = (0xffff, 0xb10c);

fn is_block(id: i64) -> bool {
    id & BLOCK.0 == BLOCK.1
}

impl ObjectId {
    /// What whoever calls it is told when there is no such object.
    pub(crate) fn gone(&self) -> Exception {
        Exception::new(
            "RangeError",
            match self {
                // A number that nobody has given out tells nothing, whichever it is.
                Self::Number(number) if is_block(*number) => BLOCK_ENDED,
                _ => Exception::INVALID_REFERENCE,
            },
        )
    }
}

impl Exports {
    /// The entry of an object that is exported already.
    fn known(&mut self, object: &Arc<dyn Dispatch>) -> Option<(ObjectId, &mut Export)> {
        let id = *self.by_address.get(&address(object))?;
        Some((ObjectId::Number(id), self.by_id.get_mut(&id)?))
    }

    fn remove(&mut self, id: i64) -> Option<Arc<dyn Dispatch>> {
        let Export { object, holder, term, .. } = self.by_id.remove(&id)?;
        if term != Term::Call {
            self.by_address.remove(&address(&object));
        }
        if let Some(holder) = holder {
            self.release(holder);
        }
        Some(object)
    }

    fn release(&mut self, holder: Holder) {
        if let Some(held) = self.held.get_mut(&holder) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&holder);
            }
        }
    }

    /// After many have gone, their room is not kept for others.
    fn give_back(&mut self) {
        if self.by_id.capacity() / 4 > self.by_id.len() {
            self.by_id.shrink_to_fit();
            self.by_address.shrink_to_fit();
        }
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.total.sub(self.exported());
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects")
            .field("front", &self.front.as_ref().map(|front| front.class()))
            .field("names", &self.names.keys())
            .field("exported", &self.exported())
            .finish_non_exhaustive()
    }
}

/// Where the object is in memory, which is what makes it that object and no other.
fn address(object: &Arc<dyn Dispatch>) -> usize {
    Arc::as_ptr(object).addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::{Incoming, Invoked, MethodInfo};
    use std::collections::HashSet;

    struct Thing;

    impl Dispatch for Thing {
        fn class(&self) -> &'static str {
            "Thing"
        }

        fn find(&self, _: &str) -> Option<usize> {
            None
        }

        fn method(&self, _: usize) -> Option<&'static MethodInfo> {
            None
        }

        fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
            call.no_method("Thing")
        }
    }

    const LEASE: Duration = Duration::from_secs(600);

    fn here(id: u8) -> Holder {
        Holder::Address([10, 0, 0, id].into())
    }

    #[test]
    fn front_and_names_are_not_exported() {
        let (front, named): (Arc<dyn Dispatch>, Arc<dyn Dispatch>) =
            (Arc::new(Thing), Arc::new(Thing));
        let objects = Objects::new(Some(Arc::clone(&front)), 0, LEASE);
        let objects = objects.with_name("one", Arc::clone(&named));
        let now = Instant::now();
        assert_eq!(objects.export(front, here(1), now), Ok(ObjectId::Front));
        assert_eq!(objects.export(named, here(1), now), Ok(ObjectId::Name("one".into())));
        assert_eq!(objects.exported(), 0);
        assert!(objects.find(&ObjectId::Front, now).is_some());
        assert!(objects.find(&ObjectId::Name("two".into()), now).is_none());
        assert!(objects.find(&ObjectId::Number(8), now).is_none());
    }

    #[test]
    fn ids_are_as_ruby_can_hold_them_and_all_different() {
        let objects = Objects::new(None, 1000, LEASE);
        let mut ids = HashSet::new();
        for _ in 0..1000 {
            let id = objects.export(Arc::new(Thing), here(1), Instant::now()).unwrap();
            let ObjectId::Number(number) = id else { panic!("{id:?}") };
            assert!((0..1 << 62).contains(&number));
            assert!(!is_block(number), "only blocks have these");
            ids.insert(number);
        }
        assert_eq!(ids.len(), 1000);
        // One in 2³⁰ is so small by chance.
        assert!(ids.iter().filter(|id| **id < 1 << 32).count() < 3, "they are not random");
    }

    #[test]
    fn a_lease_is_renewed_by_use_and_ends_without() {
        let objects = Objects::new(None, 10, LEASE);
        let begin = Instant::now();
        let id = objects.export(Arc::new(Thing), here(1), begin).unwrap();
        let almost = LEASE - Duration::from_secs(1);
        assert!(objects.find(&id, begin + almost).is_some());
        assert!(objects.sweep(begin + LEASE).is_empty());
        assert!(objects.find(&id, begin + almost + almost).is_some());
        let end = begin + almost + almost + LEASE;
        assert!(objects.find(&id, end).is_none(), "its time is over before anybody sweeps");
        assert_eq!(objects.sweep(end).len(), 1);
        assert_eq!(objects.exported(), 0);
    }

    #[test]
    fn each_peer_has_its_own_bound() {
        let objects = Objects::new(None, 2, LEASE);
        let now = Instant::now();
        let one: Arc<dyn Dispatch> = Arc::new(Thing);
        let id = objects.export(Arc::clone(&one), here(1), now).unwrap();
        objects.export(Arc::new(Thing), here(1), now).unwrap();
        let full = DumpError::limit(Limit::Exports, 2);
        assert_eq!(objects.export(Arc::new(Thing), here(1), now), Err(full));
        // What it has already is not counted again, and another peer is not concerned.
        assert_eq!(objects.export(one, here(1), now), Ok(id.clone()));
        objects.export(Arc::new(Thing), here(2), now).unwrap();
        assert!(objects.withdraw(&id).is_some());
        objects.export(Arc::new(Thing), here(1), now).unwrap();
        assert_eq!(objects.holders(), HashMap::from([(here(1), 2), (here(2), 1)]));
    }

    #[test]
    fn all_tables_of_a_process_have_one_bound() {
        let (total, now) = (Total::default(), Instant::now());
        let [one, two] = [(); 2].map(|()| Objects::new(None, 9, LEASE).within(total.clone(), 3));
        let first = one.export(Arc::new(Thing), here(1), now).unwrap();
        one.lend(Arc::new(Thing), here(1), now).unwrap();
        two.keep(Arc::new(Thing), now).unwrap();
        let full = Err(DumpError::limit(Limit::ExportsTotal, 3));
        assert_eq!(two.export(Arc::new(Thing), here(1), now), full);
        assert_eq!(two.keep(Arc::new(Thing), now), full);
        assert_eq!(one.lend(Arc::new(Thing), here(1), now), full);
        // What was refused has left nothing behind.
        assert_eq!((one.exported(), two.exported(), total.get()), (2, 1, 3));
        assert!(one.withdraw(&first).is_some());
        assert_eq!(one.withdraw(&first).map(|_| ()), None);
        two.export(Arc::new(Thing), here(1), now).unwrap();
        drop(one);
        assert_eq!(total.get(), 2);
        two.clear();
        assert_eq!(total.get(), 0);
    }

    #[test]
    fn what_is_kept_stays_and_counts_for_nobody() {
        let objects = Objects::new(None, 1, LEASE);
        let now = Instant::now();
        let thing: Arc<dyn Dispatch> = Arc::new(Thing);
        let id = objects.export(Arc::clone(&thing), here(1), now).unwrap();
        assert_eq!(objects.keep(Arc::clone(&thing), now), Ok(id.clone()));
        assert!(objects.holders().is_empty());
        // It is the same object under the same id, kept, whoever else gets it.
        assert_eq!(objects.export(thing, here(2), now), Ok(id.clone()));
        let far = now + 100 * LEASE;
        assert!(objects.sweep(far).is_empty());
        assert!(objects.find(&id, far).is_some());
        let list = objects.list();
        let [entry] = &*list else { panic!("{list:?}") };
        let Exported { class, holder, since, term, .. } = entry.clone();
        assert_eq!((class, holder, since, term), ("Thing", None, now, Term::Kept));
        assert!(objects.withdraw(&id).is_some());
        assert!(objects.find(&id, far).is_none());
        assert!(objects.list().is_empty());
    }

    #[test]
    fn blocks_are_told_from_other_objects_by_their_ids() {
        let objects = Objects::new(None, 1000, LEASE);
        let now = Instant::now();
        let thing: Arc<dyn Dispatch> = Arc::new(Thing);
        for _ in 0..100 {
            let lent = objects.lend(Arc::clone(&thing), here(1), now).unwrap();
            let exported = objects.export(Arc::clone(&thing), here(1), now).unwrap();
            assert_ne!(lent, exported, "each lending has its own id");
            assert!(objects.sweep(now + LEASE / 2).is_empty());
            assert!(objects.find(&lent, now + 2 * LEASE).is_some(), "as long as the call runs");
            assert!(objects.withdraw(&lent).is_some() && objects.withdraw(&exported).is_some());
            assert_eq!(lent.gone().message, BLOCK_ENDED);
            assert_eq!(exported.gone().message, "invalid reference");
            assert!(lent.gone().is_gone() && exported.gone().is_gone());
        }
        assert_eq!(objects.exported(), 0);
        assert!(objects.holders().is_empty());
    }

    /// Ten million of each run in the benchmark `leaks`.
    #[test]
    fn what_has_gone_leaves_nothing_behind() {
        let objects = Objects::new(None, 1000, LEASE);
        let begin = Instant::now();
        let witness = Arc::new(Thing);
        let mut now = begin;
        let mut largest = 0;
        for cycle in 0..20_000 {
            now += Duration::from_secs(1);
            let id = objects.export(Arc::new(Thing), here(cycle as u8), now).unwrap();
            if cycle % 2 == 0 {
                assert!(objects.withdraw(&id).is_some());
            } else if cycle % 100 == 1 {
                objects.sweep(now);
            }
            let again = objects.export(Arc::clone(&witness) as _, here(1), now).unwrap();
            objects.withdraw(&again).unwrap();
            let exports = objects.exports();
            largest = largest.max(exports.by_id.capacity()).max(exports.by_address.capacity());
            assert_eq!(exports.by_id.len(), exports.by_address.len());
            assert!(exports.by_id.len() <= 360, "{}", exports.by_id.len());
            assert!(exports.held.len() <= 256);
        }
        assert!(largest <= 4 * 360, "{largest}");
        assert_eq!(Arc::strong_count(&witness), 1);
        objects.sweep(now + LEASE);
        let exports = objects.exports();
        assert_eq!((exports.by_id.len(), exports.held.len()), (0, 0));
        assert_eq!((exports.by_id.capacity(), exports.by_address.capacity()), (0, 0));
    }
}
