//! What both sides take down of each call, and of each object.

use super::Failed;
use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

/// By the numbers of the calls: how often each was begun and came to its end, and what its caller knows.
pub(super) struct Ledger {
    calls: Vec<[AtomicU8; 3]>,
    next: AtomicUsize,
    running: AtomicUsize,
    alive: AtomicUsize,
}

/// What a caller knows of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It was answered as it should be.
    Answered = 1,
    /// It has panicked, as it should.
    Panicked,
    /// Nobody has waited for the end.
    Cancelled,
    /// Time was up, and it has not run.
    NotExecuted,
}

const BEGUN: usize = 0;
const ENDED: usize = 1;
const TOLD: usize = 2;

impl Ledger {
    /// Takes down so many calls. The memory is taken at once, so that it shows in no difference.
    pub(super) fn new(calls: usize) -> Arc<Self> {
        let mut all = Vec::with_capacity(calls);
        all.resize_with(calls, Default::default);
        let count = || AtomicUsize::new(0);
        Arc::new(Self { calls: all, next: count(), running: count(), alive: count() })
    }

    /// The next call's number.
    pub(super) fn call(&self) -> Result<u32, Failed> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match self.calls.get(number) {
            Some(_) => Ok(number as u32),
            None => Err(format!("more than {} calls are needed", self.calls.len()).into()),
        }
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> usize {
        self.next.load(Ordering::Relaxed).min(self.calls.len())
    }

    /// How a call has ended for its caller.
    pub(super) fn told(&self, number: u32, told: Told) {
        self.note(number, TOLD, told as u8);
    }

    /// A method runs.
    pub(super) fn begin(&self, number: u32) -> Runs<'_> {
        self.running.fetch_add(1, Ordering::AcqRel);
        self.note(number, BEGUN, 1);
        Runs(self, number)
    }

    fn note(&self, number: u32, what: usize, add: u8) {
        if let Some(call) = self.calls.get(number as usize) {
            call[what].fetch_add(add, Ordering::AcqRel);
        }
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// How many objects there are.
    pub(super) fn alive(&self) -> usize {
        self.alive.load(Ordering::Acquire)
    }

    /// An object is made.
    pub(super) fn live(self: &Arc<Self>) -> Lives {
        self.alive.fetch_add(1, Ordering::AcqRel);
        Lives(Arc::clone(self))
    }

    /// How many calls have run, of those whose callers didn't wait for the end.
    pub(super) fn cancelled_and_begun(&self) -> usize {
        let is = |[begun, _, told]: &&[AtomicU8; 3]| {
            begun.load(Ordering::Acquire) > 0
                && told.load(Ordering::Acquire) == Told::Cancelled as u8
        };
        self.calls.iter().filter(is).count()
    }

    /// None was lost or repeated.
    pub(super) fn check(&self) -> Result<(), Failed> {
        for (number, call) in self.calls.iter().take(self.calls()).enumerate() {
            let call: [u8; 3] = std::array::from_fn(|what| call[what].load(Ordering::Acquire));
            let right = match call {
                [begun, ended, told] if told == Told::Answered as u8 => (begun, ended) == (1, 1),
                [begun, ended, told] if told == Told::Panicked as u8 => (begun, ended) == (1, 0),
                [begun, ended, told] if told == Told::Cancelled as u8 => {
                    begun <= 1 && ended <= begun
                }
                [begun, ended, told] if told == Told::NotExecuted as u8 => (begun, ended) == (0, 0),
                _ => false,
            };
            if !right {
                let [begun, ended, told] = call;
                return Err(format!(
                    "call {number} has run {begun} times, {ended} times to its end; its caller knows {told}"
                )
                .into());
            }
        }
        Ok(())
    }
}

/// A method that runs.
pub(super) struct Runs<'a>(&'a Ledger, u32);

impl Runs<'_> {
    /// It has come to its end, with what the caller is to get.
    pub(super) fn end(self) -> u64 {
        self.0.note(self.1, ENDED, 1);
        answer(self.1)
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An object that is there.
pub(super) struct Lives(Arc<Ledger>);

impl Drop for Lives {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a call is to give, which no other call is.
pub(super) fn answer(number: u32) -> u64 {
    u64::from(number) << 7 | 0x5b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(runs: &[bool], told: Option<Told>) -> Result<(), Failed> {
        let ledger = Ledger::new(4);
        let number = ledger.call().unwrap();
        for to_its_end in runs {
            let runs = ledger.begin(number);
            if *to_its_end {
                runs.end();
            }
        }
        told.into_iter().for_each(|told| ledger.told(number, told));
        ledger.check()
    }

    #[test]
    fn what_is_lost_or_repeated_is_found() {
        use Told::*;
        assert!(ledger(&[true], Some(Answered)).is_ok());
        assert!(ledger(&[true, true], Some(Answered)).is_err());
        assert!(ledger(&[false], Some(Answered)).is_err());
        assert!(ledger(&[], Some(Answered)).is_err());
        assert!(ledger(&[true], None).is_err());
        for runs in [&[][..], &[true], &[false]] {
            assert!(ledger(runs, Some(Cancelled)).is_ok());
        }
        assert!(ledger(&[false, true], Some(Cancelled)).is_err());
        assert!(ledger(&[], Some(NotExecuted)).is_ok());
        assert!(ledger(&[false], Some(NotExecuted)).is_err());
        assert!(ledger(&[false], Some(Panicked)).is_ok());
        assert!(ledger(&[true], Some(Panicked)).is_err());
    }
}
