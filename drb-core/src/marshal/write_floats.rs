//! The floats that Ruby keeps without an object: they are linked by value.

use std::collections::HashMap;

/// The numbers of those that a stream has.
#[derive(Default)]
pub(super) struct Floats {
    /// A bit for each of the first few: where a float's own isn't set, it is new.
    seen: [u64; WORDS],
    /// The first few, which are searched one by one.
    first: Vec<(u64, usize)>,
    /// All of them, once there are many.
    all: HashMap<u64, usize, foldhash::fast::RandomState>,
}

const WORDS: usize = 8;

/// From how many floats on they are looked up.
const MANY: usize = 128;

impl Floats {
    /// The number of the float of these bits, which is `next` if it is new.
    #[inline]
    pub(super) fn number(&mut self, bits: u64, next: usize) -> usize {
        if self.first.len() >= MANY {
            return self.look_up(bits, next);
        }
        // The highest bits of the product depend on all others.
        let hash = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55;
        let (word, bit) = (hash as usize % WORDS, 1 << (hash / WORDS as u64));
        let Some(seen) = self.seen.get_mut(word) else { return next };
        let may_be_known = *seen & bit != 0;
        *seen |= bit;
        if may_be_known && let Some(number) = self.search(bits) {
            return number;
        }
        self.first.push((bits, next));
        next
    }

    #[inline(never)]
    fn search(&self, bits: u64) -> Option<usize> {
        self.first.iter().find(|(own, _)| *own == bits).map(|(_, number)| *number)
    }

    #[inline(never)]
    fn look_up(&mut self, bits: u64, next: usize) -> usize {
        if self.all.is_empty() {
            self.all.reserve(4 * MANY);
            self.all.extend(self.first.iter().copied());
        }
        *self.all.entry(bits).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_float_has_the_number_that_it_had_first() {
        // As many different ones as are searched, more of them, and so few that most come again.
        for different in [5, 100, MANY as u64, 150, 5_000] {
            let (mut floats, mut expected) = (Floats::default(), HashMap::new());
            let mut state = 1_u64;
            for next in 0..10_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let bits = (((state >> 33) % different) as f64 * 1.25).to_bits();
                let number = *expected.entry(bits).or_insert(next);
                assert_eq!(floats.number(bits, next), number, "{different}");
            }
            assert!(expected.len() as u64 > different / 2);
        }
    }
}
