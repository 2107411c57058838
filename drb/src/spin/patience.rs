//! Whether it pays to look for what comes next, by how it has gone before.

use std::{
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// Looking in vain costs more than sleeping. So it pays if it is in vain one time in so many at most.
pub(super) const PAYS: u16 = 16;

/// So often what is looked for may be late, before that is as good as never.
pub(super) const LATE: u8 = 16;

/// Once it would be left so often, it is tried at the times only at which all try it.
const LONG: u16 = 1023;

/// These begin so many microseconds one after the other, and last for so many.
const TRIES: (u32, u32) = (100_000, 1_000);

/// Whether it pays for a new connection, by how it has gone with those before.
static NEW: Mutex<Patience> = Mutex::new(Patience { late: 0, leaves: 0, left: 0 });

/// Whether it pays to look.
#[derive(Default)]
pub(super) struct Patience {
    /// So often in a row nothing has come in time. Then it is looked for twice as long.
    pub(super) late: u8,
    /// So often it is left.
    pub(super) leaves: u16,
    /// So often it was, after it was in vain twice.
    pub(super) left: u16,
}

impl Patience {
    /// That with new connections.
    pub(super) fn of_new<T>(does: impl FnOnce(&mut Self) -> T) -> T {
        does(&mut NEW.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_to_look(&mut self, all_try: fn() -> bool) -> bool {
        if self.leaves > 0 {
            self.leaves -= 1;
            return false;
        }
        self.left < LONG || all_try()
    }

    /// It was not in vain.
    pub(super) fn gain(&mut self) {
        self.late = 0;
        self.left /= 2;
    }

    /// It has come, but late: perhaps the peer has to see first that it pays to look.
    pub(super) fn wait(&mut self) {
        self.left = self.left.min(LONG - 1);
        self.late += 1;
        if self.late > LATE {
            self.leave();
        }
    }

    /// It was in vain.
    pub(super) fn leave(&mut self) {
        if self.late > 0 {
            self.left = (self.left * PAYS + PAYS - 1).min(LONG);
            self.leaves = if self.left < LONG { self.left } else { 0 };
        }
        self.late = 1;
    }
}

/// Whether this is a time at which all try it who have given it up: the same for all processes of this machine.
pub(super) fn all_try() -> bool {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    time.subsec_micros() % TRIES.0 < TRIES.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ones_look_as_long_as_it_pays() {
        let mut new = Patience::default();
        for left in [0, 0, 15, 255] {
            let looks = (0..=left).filter(|_| new.is_to_look(|| false)).count();
            assert_eq!(looks, 1, "the last one of {left}");
            new.leave();
        }
        assert!((0..2000).all(|_| !new.is_to_look(|| false)));
        for _ in 0..10 {
            assert!(new.is_to_look(|| true));
            new.gain();
        }
        assert_eq!(new.left, 0);
        assert!(new.is_to_look(|| false));
    }
}
