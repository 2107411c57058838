//! The object table: which objects a server has, and under which ids they can be called.

use crate::{DumpError, Limit, ObjectId, dispatch::Dispatch};
use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The objects of one server: its front, those with a name, and those that were exported because a
/// method gave them to a peer.
///
/// Ruby's wire doesn't say when a peer has forgotten a reference. An exported object is therefore
/// held for a lease, which every use renews (as with Ruby's `TimerIdConv`), and each peer can make
/// the server hold only so many. Ids are random, so that nobody can guess one.
pub struct Objects {
    front: Option<Arc<dyn Dispatch>>,
    names: HashMap<Arc<str>, Arc<dyn Dispatch>>,
    lease: Duration,
    per_holder: usize,
    /// Makes ids: a hash with a random key, of a counter.
    ids: RandomState,
    exports: Mutex<Exports>,
}

#[derive(Default)]
struct Exports {
    by_id: HashMap<i64, Export>,
    by_address: HashMap<usize, i64>,
    held: HashMap<Holder, usize>,
    counter: u64,
}

struct Export {
    object: Arc<dyn Dispatch>,
    /// The end of its lease; `None` until it is withdrawn.
    until: Option<Instant>,
    holder: Holder,
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
                if let Some(until) = &mut export.until {
                    if *until <= now {
                        // Its time is over, only that nobody has swept yet.
                        return None;
                    }
                    *until = now + self.lease;
                }
                Some(Arc::clone(&export.object))
            }
            ObjectId::Opaque(_) => None,
        }
    }

    /// Gives an object an id that `holder` can call it by. An object has one id, however often it is
    /// exported.
    ///
    /// # Errors
    /// [`Limit::Exports`].
    pub fn export(
        &self,
        object: Arc<dyn Dispatch>,
        holder: Holder,
        now: Instant,
    ) -> Result<ObjectId, DumpError> {
        self.hold(object, holder, Some(now + self.lease))
    }

    /// The same for as long as it takes until it is [withdrawn](Objects::withdraw).
    ///
    /// # Errors
    /// [`Limit::Exports`].
    pub fn lend(&self, object: Arc<dyn Dispatch>, holder: Holder) -> Result<ObjectId, DumpError> {
        self.hold(object, holder, None)
    }

    fn hold(
        &self,
        object: Arc<dyn Dispatch>,
        holder: Holder,
        until: Option<Instant>,
    ) -> Result<ObjectId, DumpError> {
        if let Some(id) = self.constant(&object) {
            return Ok(id);
        }
        let address = address(&object);
        let exports = &mut *self.exports();
        if let Some(id) = exports.by_address.get(&address)
            && let Some(export) = exports.by_id.get_mut(id)
        {
            // Once lent, it stays until it is withdrawn.
            export.until = export.until.and(until);
            return Ok(ObjectId::Number(*id));
        }
        if exports.held.get(&holder).is_some_and(|held| *held >= self.per_holder) {
            return Err(DumpError::limit(Limit::Exports, self.per_holder));
        }
        let id = loop {
            exports.counter += 1;
            let id = self.id(exports.counter);
            if !exports.by_id.contains_key(&id) {
                break id;
            }
        };
        *exports.held.entry(holder).or_default() += 1;
        exports.by_address.insert(address, id);
        exports.by_id.insert(id, Export { object, until, holder });
        Ok(ObjectId::Number(id))
    }

    /// Takes the objects out of the table whose lease is over. They are given to the caller, whose
    /// business it is where their destructors run.
    pub fn sweep(&self, now: Instant) -> Vec<Arc<dyn Dispatch>> {
        let exports = &mut *self.exports();
        let over = |export: &Export| export.until.is_some_and(|until| until <= now);
        let ids: Vec<i64> =
            exports.by_id.iter().filter(|(_, export)| over(export)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| exports.remove(id)).collect()
    }

    /// Takes an exported object out of the table before its lease is over.
    pub fn withdraw(&self, id: &ObjectId) -> Option<Arc<dyn Dispatch>> {
        match id {
            ObjectId::Number(number) => self.exports().remove(*number),
            _ => None,
        }
    }

    /// How many objects are exported at the moment.
    pub fn exported(&self) -> usize {
        self.exports().by_id.len()
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

    /// A random number of 62 bits without a sign, which a Ruby holds as a Fixnum.
    fn id(&self, counter: u64) -> i64 {
        (self.ids.hash_one(counter) >> 2) as i64
    }

    fn exports(&self) -> MutexGuard<'_, Exports> {
        self.exports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exports {
    fn remove(&mut self, id: i64) -> Option<Arc<dyn Dispatch>> {
        let Export { object, holder, .. } = self.by_id.remove(&id)?;
        self.by_address.remove(&address(&object));
        if let Some(held) = self.held.get_mut(&holder) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&holder);
            }
        }
        Some(object)
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

        fn invoke(self: Arc<Self>, _: usize, call: Incoming<'_>) -> Invoked {
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
    }
}
