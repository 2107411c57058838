//! What is in the places of a peer's table.

use super::imports::Place;
use foldhash::fast::RandomState;
use std::collections::{HashMap, hash_map::Entry};

/// So many neighbours lie together: a message refers to objects that were given their places one after
/// the other, and else each of them is looked up somewhere else in memory.
const PAGE: usize = 16;

/// Values by the places that they belong to. It is the peer that chooses places: whichever it chooses, a
/// value takes no more than a page.
pub(super) struct Places<T> {
    pages: HashMap<u32, Box<Page<T>>, RandomState>,
    len: usize,
}

/// Of each place what belongs to one generation.
struct Page<T> {
    used: usize,
    entries: [Option<(u32, T)>; PAGE],
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { pages: HashMap::default(), len: 0 }
    }
}

impl<T> Places<T> {
    /// Makes room for so many that are going to be put in.
    pub(super) fn reserve(&mut self, count: usize) {
        self.pages.reserve(count.div_ceil(PAGE));
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, (slot, generation): Place) -> Option<&T> {
        let (number, index) = split(slot);
        match self.pages.get(&number)?.entries.get(index)? {
            Some((own, value)) if *own == generation => Some(value),
            _ => None,
        }
    }

    /// All values.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        let entries = self.pages.values().flat_map(|page| &page.entries);
        entries.flatten().map(|(_, value)| value)
    }

    /// What `found` makes of the value that is there. Else a new one is put in, in the stead of what was there
    /// in any generation.
    pub(super) fn find_or_insert<R>(
        &mut self,
        (slot, generation): Place,
        found: impl FnOnce(&T) -> Option<R>,
        new: impl FnOnce() -> (T, R),
    ) -> R {
        let (number, index) = split(slot);
        let empty = || Box::new(Page { used: 0, entries: [const { None }; PAGE] });
        let page = self.pages.entry(number).or_insert_with(empty);
        let entry = page.entries.get_mut(index);
        if let Some(Some((own, value))) = &entry
            && *own == generation
            && let Some(found) = found(value)
        {
            return found;
        }
        let (value, result) = new();
        if entry.is_some_and(|entry| entry.replace((generation, value)).is_none()) {
            page.used += 1;
            self.len += 1;
        }
        result
    }

    /// Takes a value out, if `is_over` says so.
    pub(super) fn remove_if(&mut self, (slot, generation): Place, is_over: impl Fn(&T) -> bool) {
        let (number, index) = split(slot);
        let Entry::Occupied(mut page) = self.pages.entry(number) else { return };
        let Page { used, entries } = &mut **page.get_mut();
        let Some(entry) = entries.get_mut(index) else { return };
        if entry.as_ref().is_some_and(|(own, value)| *own == generation && is_over(value)) {
            *entry = None;
            *used -= 1;
            self.len -= 1;
            if *used == 0 {
                page.remove();
            }
        }
    }
}

fn split(slot: u32) -> (u32, usize) {
    (slot / PAGE as u32, slot as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert<T>(places: &mut Places<T>, place: Place, value: T) {
        places.find_or_insert(place, |_| None, || (value, ()));
    }

    #[test]
    fn a_value_is_found_under_its_generation_alone() {
        let mut places = Places::default();
        for slot in [0, 15, 16, u32::MAX] {
            insert(&mut places, (slot, 1), slot);
            assert_eq!(places.get((slot, 1)), Some(&slot));
            assert_eq!(places.get((slot, 0)), None);
        }
        assert_eq!((places.len(), places.pages.len()), (4, 3));
        let found = |slot: &u32| Some(slot + 1);
        assert_eq!(places.find_or_insert((16, 1), found, || unreachable!()), 17);
        // Another generation takes the place.
        assert_eq!(places.find_or_insert((15, 2), found, || (7, 9)), 9);
        assert_eq!((places.get((15, 1)), places.get((15, 2))), (None, Some(&7)));
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn nothing_is_left_of_what_was_taken_out() {
        let mut places = Places::default();
        insert(&mut places, (3, 0), "three");
        insert(&mut places, (4, 0), "four");
        places.remove_if((3, 1), |_| true);
        places.remove_if((3, 0), |_| false);
        places.remove_if((5, 0), |_| true);
        places.remove_if((70, 0), |_| true);
        assert_eq!(places.len(), 2);
        places.remove_if((3, 0), |value| *value == "three");
        assert_eq!((places.get((3, 0)), places.len()), (None, 1));
        places.remove_if((4, 0), |_| true);
        assert!(places.pages.is_empty());
        assert_eq!(places.len(), 0);
    }
}
