//! The objects of this process that the peer of one connection can call.

use crate::{DumpError, Limit, dispatch::Dispatch};
use foldhash::fast::RandomState;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Where each object is, and how often the peer has been given it.
///
/// An object is counted each time it is sent, and the peer says how many of those it gives back. So a
/// release that crosses the same object on its way there doesn't take it away. A place is used again
/// under another generation, so that nobody who comes late reaches another object.
#[derive(Default)]
pub(super) struct Exports {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The places of those objects that may be known to others than this table.
    by_address: HashMap<usize, u32, RandomState>,
    /// How many places are taken, also by what was withdrawn and is not yet given back.
    taken: usize,
}

/// A peer may hold many objects: a place is kept small.
struct Slot {
    /// `None` in a free place, and if it was withdrawn: the peer still gives back what it has received.
    object: Option<Arc<dyn Dispatch>>,
    /// How often it was sent and not yet given back: 0 in a free place.
    count: u64,
    generation: u32,
    /// Whether the place is found by the address of its object.
    by_address: bool,
}

impl Exports {
    /// Gives the object a place, or counts it once more in the one that it has.
    pub(super) fn add(
        &mut self,
        mut object: Arc<dyn Dispatch>,
        most: usize,
    ) -> Result<(u32, u32), DumpError> {
        // What nobody else holds is not in the table, and cannot be looked for in it before it was got from
        // it. That is most of what is exported.
        let known = Arc::get_mut(&mut object).is_none();
        let address = address(&object);
        if known
            && let Some(slot) = self.by_address.get(&address)
            && let Some(place) = self.slots.get_mut(*slot as usize)
            && place.count > 0
        {
            place.count += 1;
            return Ok((*slot, place.generation));
        }
        if self.taken >= most {
            return Err(DumpError::limit(Limit::Exports, most));
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len());
                self.slots.push(Slot { object: None, count: 0, generation: 0, by_address: false });
                slot.map_err(|_| DumpError::limit(Limit::Exports, most))?
            }
        };
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return Err(DumpError::limit(Limit::Exports, most));
        };
        (place.object, place.count, place.by_address) = (Some(object), 1, known);
        self.taken += 1;
        if known {
            self.by_address.insert(address, slot);
        }
        Ok((slot, place.generation))
    }

    /// Counts an object once more. Says whether it is there.
    pub(super) fn count(&mut self, slot: u32, generation: u32) -> bool {
        self.held(slot, generation).map(|place| place.count += 1).is_some()
    }

    /// A place in which the peer holds something.
    fn held(&mut self, slot: u32, generation: u32) -> Option<&mut Slot> {
        let place = self.slots.get_mut(slot as usize)?;
        (place.generation == generation && place.count > 0).then_some(place)
    }

    /// The object in a place.
    pub(super) fn get(&mut self, slot: u32, generation: u32) -> Option<Arc<dyn Dispatch>> {
        let place = self.held(slot, generation)?;
        let object = Arc::clone(place.object.as_ref()?);
        if !std::mem::replace(&mut place.by_address, true) {
            self.by_address.insert(address(&object), slot);
        }
        Some(object)
    }

    /// Takes `count` from what the peer holds of an object, which is given back when nothing is left:
    /// where its destructor runs is not decided here. `Err` if the peer gives back what it hasn't got.
    pub(super) fn release(
        &mut self,
        slot: u32,
        generation: u32,
        count: u64,
    ) -> Result<Option<Arc<dyn Dispatch>>, Unknown> {
        let place = self.held(slot, generation).ok_or(Unknown)?;
        let left = place.count.checked_sub(count).ok_or(Unknown)?;
        if left == 0 {
            return Ok(self.remove(slot, generation));
        }
        place.count = left;
        Ok(None)
    }

    /// Takes an object away, whoever holds it.
    pub(super) fn remove(&mut self, slot: u32, generation: u32) -> Option<Arc<dyn Dispatch>> {
        let place = self.held(slot, generation)?;
        let (object, by_address) = (place.object.take(), place.by_address);
        place.count = 0;
        // A place whose generations are used up is not used again.
        let next = generation.checked_add(1);
        place.generation = next.unwrap_or(generation);
        self.taken -= 1;
        if let (Some(object), true) = (&object, by_address) {
            self.by_address.remove(&address(object));
        }
        self.free.extend(next.map(|_| slot));
        object
    }

    /// Takes an object away, and gives the place in which the peer holds it. The place is used again
    /// when the peer has given everything back. The caller holds the object as well.
    pub(super) fn withdraw(&mut self, object: &Arc<dyn Dispatch>) -> Option<(u32, u32)> {
        let slot = self.by_address.remove(&address(object))?;
        let place = self.slots.get_mut(slot as usize)?;
        place.object = None;
        Some((slot, place.generation))
    }

    /// The places of those objects that are here.
    pub(super) fn among(&self, objects: &Addresses) -> Vec<(u32, u32)> {
        let slots: Vec<u32> = match self.by_address.len() < objects.len() {
            true => {
                let among = self.by_address.iter().filter(|(address, _)| objects.contains(address));
                among.map(|(_, slot)| *slot).collect()
            }
            false => {
                objects.iter().filter_map(|address| self.by_address.get(address)).copied().collect()
            }
        };
        let mut places: Vec<_> = slots
            .into_iter()
            .filter_map(|slot| Some((slot, self.slots.get(slot as usize)?.generation)))
            .collect();
        // No order of a table is to be seen.
        places.sort_unstable();
        places
    }

    pub(super) fn len(&self) -> usize {
        self.taken
    }

    /// Takes all objects away: the connection has ended.
    pub(super) fn clear(&mut self) -> Vec<Arc<dyn Dispatch>> {
        self.by_address.clear();
        self.free.clear();
        self.taken = 0;
        let slots = std::mem::take(&mut self.slots);
        slots.into_iter().filter_map(|slot| slot.object).collect()
    }
}

/// A release of something that the peer doesn't hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// The addresses of objects that are held elsewhere meanwhile.
pub(super) type Addresses = HashSet<usize, RandomState>;

pub(super) fn address(object: &Arc<dyn Dispatch>) -> usize {
    Arc::as_ptr(object).addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::{Incoming, Invoked, MethodInfo};

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

    #[test]
    fn a_release_that_crosses_the_object_takes_only_what_it_says() {
        let mut exports = Exports::default();
        let thing: Arc<dyn Dispatch> = Arc::new(Thing);
        let (slot, generation) = exports.add(Arc::clone(&thing), 9).unwrap();
        assert_eq!(exports.add(Arc::clone(&thing), 9).unwrap(), (slot, generation));
        // The peer gives back the first one before it has seen the second.
        assert!(matches!(exports.release(slot, generation, 1), Ok(None)));
        assert!(exports.get(slot, generation).is_some());
        assert!(matches!(exports.release(slot, generation, 1), Ok(Some(_))));
        assert!(exports.get(slot, generation).is_none());
        assert_eq!(exports.len(), 0);
    }

    #[test]
    fn a_place_that_is_used_again_has_another_name() {
        let mut exports = Exports::default();
        let (slot, first) = exports.add(Arc::new(Thing), 9).unwrap();
        exports.release(slot, first, 1).unwrap();
        let (again, second) = exports.add(Arc::new(Thing), 9).unwrap();
        assert_eq!(slot, again);
        assert_ne!(first, second);
        assert!(exports.get(slot, first).is_none());
        assert!(matches!(exports.release(slot, first, 1), Err(Unknown)));
        assert!(exports.get(slot, second).is_some());
    }

    #[test]
    fn an_object_that_others_get_to_know_is_found_again() {
        let mut exports = Exports::default();
        let (slot, generation) = exports.add(Arc::new(Thing), 9).unwrap();
        assert!(exports.by_address.is_empty(), "nobody can ask for it");
        let thing = exports.get(slot, generation).unwrap();
        assert_eq!(exports.add(Arc::clone(&thing), 9).unwrap(), (slot, generation));
        assert!(matches!(exports.release(slot, generation, 2), Ok(Some(_))));
        assert!(exports.by_address.is_empty());
        // Whoever only has a weak one may come with it as well.
        let weak = Arc::downgrade(&thing);
        let thing: Arc<dyn Dispatch> = thing;
        let place = exports.add(thing, 9).unwrap();
        assert_eq!(exports.add(weak.upgrade().unwrap(), 9).unwrap(), place);
        assert_eq!(exports.len(), 1);
    }

    #[test]
    fn what_is_withdrawn_is_given_back_before_its_place_is_used_again() {
        let mut exports = Exports::default();
        let thing: Arc<dyn Dispatch> = Arc::new(Thing);
        let (slot, generation) = exports.add(Arc::clone(&thing), 1).unwrap();
        exports.add(Arc::clone(&thing), 1).unwrap();
        assert_eq!(exports.withdraw(&thing), Some((slot, generation)));
        assert_eq!(exports.withdraw(&thing), None);
        assert!(exports.get(slot, generation).is_none());
        assert_eq!(Arc::strong_count(&thing), 1);
        // Until then it counts, or a peer that never gives back would get more and more.
        assert_eq!(exports.len(), 1);
        assert_eq!(exports.add(Arc::new(Thing), 1), Err(DumpError::limit(Limit::Exports, 1)));
        assert!(matches!(exports.release(slot, generation, 2), Ok(None)));
        assert_eq!(exports.len(), 0);
        assert!(matches!(exports.release(slot, generation, 1), Err(Unknown)));
        let (again, second) = exports.add(Arc::clone(&thing), 1).unwrap();
        assert_eq!((again, second), (slot, generation + 1));
        exports.withdraw(&thing);
        assert!(exports.clear().is_empty());
        assert_eq!(exports.len(), 0);
    }

    #[test]
    fn what_a_peer_never_got_it_cannot_give_back() {
        let mut exports = Exports::default();
        let (slot, generation) = exports.add(Arc::new(Thing), 1).unwrap();
        assert!(matches!(exports.release(slot, generation, 2), Err(Unknown)));
        assert!(matches!(exports.release(7, 0, 1), Err(Unknown)));
        assert!(exports.get(slot, generation).is_some());
        assert_eq!(exports.add(Arc::new(Thing), 1), Err(DumpError::limit(Limit::Exports, 1)));
    }
}
