//! How places of the peer's objects are hashed.

use foldhash::fast::{FoldHasher, RandomState};
use std::hash::{BuildHasher, Hasher};

/// Lets neighbours be neighbours in a table, too: a message refers to objects that were given their
/// places one after the other, and else each of them is looked up somewhere else in memory. Where a run of
/// them is in the table is random, since it is the peer that chooses places.
#[derive(Clone, Default)]
pub(super) struct InRuns(RandomState);

/// So many neighbours stay together.
const RUN: u32 = 32;

pub(super) struct PlaceHasher {
    slot: Option<u32>,
    run: FoldHasher<'static>,
}

impl BuildHasher for InRuns {
    type Hasher = PlaceHasher;

    fn build_hasher(&self) -> PlaceHasher {
        PlaceHasher { slot: None, run: self.0.build_hasher() }
    }
}

impl Hasher for PlaceHasher {
    /// The place, then the generation.
    fn write_u32(&mut self, number: u32) {
        match self.slot {
            None => {
                self.slot = Some(number);
                self.run.write_u32(number / RUN);
            }
            Some(_) => self.run.write_u32(number),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.run.write(bytes);
    }

    fn finish(&self) -> u64 {
        let within = u64::from(self.slot.unwrap_or_default() % RUN);
        // A table takes the lowest bits for where something is, and compares the highest ones.
        self.run.finish().wrapping_add(within) ^ within << 58
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn neighbours_are_neighbours_and_nothing_else_meets() {
        let state = InRuns::default();
        let bucket = |place: (u32, u32)| state.hash_one(place) & 0xffff_ffff;
        assert_eq!(bucket((71, 5)).wrapping_sub(bucket((64, 5))) & 0xffff_ffff, 7);
        // Neither the first places of runs nor the generations of a place are close together.
        let runs = (0..1000).map(|run| (run * RUN, 0));
        let generations = (0..1000).map(|generation| (3, generation));
        for places in [runs.collect::<Vec<_>>(), generations.collect()] {
            let buckets: HashSet<u64> = places.into_iter().map(|at| bucket(at) >> 8).collect();
            assert!(buckets.len() > 990, "{}", buckets.len());
        }
    }
}
