//! The numbers of clients.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU32, Ordering},
};

/// Ruby counts from 1. Here nobody can tell from a number which others there are, and none is given again before
/// all four thousand million have been: a reference to a client that has gone never leads to another one.
#[derive(Default)]
pub(super) struct Numbers {
    given: AtomicU32,
    secret: RandomState,
}

/// So many rounds make the order look random.
const ROUNDS: u8 = 4;

impl Numbers {
    pub(super) fn next(&self) -> u32 {
        self.shuffled(self.given.fetch_add(1, Ordering::Relaxed))
    }

    /// A Feistel cipher: each number has exactly one other number.
    fn shuffled(&self, number: u32) -> u32 {
        let (mut left, mut right) = ((number >> 16) as u16, number as u16);
        for round in 0..ROUNDS {
            let mixed = left ^ self.secret.hash_one((round, right)) as u16;
            (left, right) = (right, mixed);
        }
        u32::from(left) << 16 | u32::from(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_number_comes_twice_and_none_follows_from_another() {
        const MANY: u32 = 100_000;
        let (numbers, others) = (Numbers::default(), Numbers::default());
        let given: Vec<u32> = (0..MANY).map(|_| numbers.next()).collect();
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
        // A process that begins anew doesn't give the same ones.
        let same = given.iter().filter(|number| **number == others.next()).count();
        assert!(same < 10, "{same}");
        let steps: HashSet<u32> = given.windows(2).map(|two| two[1].wrapping_sub(two[0])).collect();
        assert!(steps.len() > MANY as usize * 9 / 10, "{}", steps.len());
        let high = given.iter().filter(|number| **number >= 1 << 31).count();
        assert!((MANY as usize * 4 / 10..MANY as usize * 6 / 10).contains(&high), "{high}");
    }
}
