//! Alarms: one thread of the process sleeps until the first one, and wakes whose it is.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    thread,
    time::Instant,
};

/// A task is woken at a certain time, unless this is dropped before.
pub(crate) struct Alarm {
    at: Instant,
    number: u64,
    rung: Arc<AtomicBool>,
}

/// All that are set.
struct Clock {
    alarms: Mutex<Alarms>,
    /// There is one that is due before the thread would wake.
    earlier: Condvar,
}

#[derive(Default)]
struct Alarms {
    set: BTreeMap<(Instant, u64), (Waker, Arc<AtomicBool>)>,
    next: u64,
    /// When the thread wakes by itself; `None` if it sleeps for as long as nothing is set.
    wakes: Option<Instant>,
}

/// `None` if there can't be a thread for it.
static CLOCK: LazyLock<Option<&'static Clock>> = LazyLock::new(|| {
    let clock: &Clock =
        Box::leak(Box::new(Clock { alarms: Mutex::default(), earlier: Condvar::new() }));
    let thread = thread::Builder::new().name("drb-clock".into()).spawn(|| clock.run());
    thread.is_ok().then_some(clock)
});

/// Whether a runtime of this process has had a clock of its own.
static VIRTUAL: AtomicBool = AtomicBool::new(false);

/// Whether a test has stopped a clock, as far as that was noticed.
pub(crate) fn is_virtual() -> bool {
    VIRTUAL.load(Ordering::Relaxed)
}

impl Alarm {
    /// Wakes at that time. `None` where time is not that of the system: a test can stop a runtime's clock, and
    /// then only the runtime knows when it is that time.
    pub(crate) fn set(at: tokio::time::Instant, waker: &Waker) -> Option<Self> {
        if is_virtual() {
            return None;
        }
        let before = Instant::now();
        let now = tokio::time::Instant::now().into_std();
        // A clock that runs is between the two. One that stands has been stopped before.
        if now < before || now > Instant::now() {
            VIRTUAL.store(true, Ordering::Relaxed);
            return None;
        }
        let clock = (*CLOCK)?;
        let at = at.into_std();
        let rung = Arc::default();
        let mut alarms = clock.alarms();
        let number = alarms.next;
        alarms.next += 1;
        alarms.set.insert((at, number), (waker.clone(), Arc::clone(&rung)));
        if alarms.wakes.is_none_or(|wakes| at < wakes) {
            alarms.wakes = Some(at);
            clock.earlier.notify_one();
        }
        Some(Self { at, number, rung })
    }

    /// Wakes another one than before, unless it has rung.
    pub(crate) fn wakes(&self, waker: &Waker) -> bool {
        let Some(clock) = *CLOCK else { return false };
        let waker = waker.clone();
        let mut alarms = clock.alarms();
        let known = alarms.set.get_mut(&(self.at, self.number));
        let before = known.map(|(known, _)| std::mem::replace(known, waker));
        drop(alarms);
        // As below: dropping it can do anything.
        before.is_some()
    }

    /// When it rings.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// Whether it has rung.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let (false, Some(clock)) = (self.has_rung(), *CLOCK) {
            let alarm = clock.alarms().set.remove(&(self.at, self.number));
            // A waker can hold the last reference to a task, and that may have an alarm.
            drop(alarm);
        }
    }
}

impl Clock {
    fn alarms(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut alarms = self.alarms();
        loop {
            let now = Instant::now();
            let later = alarms.set.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut alarms.set, later);
            if due.is_empty() {
                alarms.wakes = alarms.set.first_key_value().map(|((at, _), _)| *at);
                alarms = match alarms.wakes {
                    None => self.earlier.wait(alarms).unwrap_or_else(PoisonError::into_inner),
                    Some(at) => {
                        let waited =
                            self.earlier.wait_timeout(alarms, at.saturating_duration_since(now));
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                };
                continue;
            }
            drop(alarms);
            for (waker, rung) in due.into_values() {
                rung.store(true, Ordering::Release);
                // A program's own executor may do anything here. The others are woken all the same.
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            alarms = self.alarms();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::mpsc::{Sender, channel},
        task::Wake,
        time::Duration,
    };

    struct Tells(usize, Mutex<Sender<usize>>);

    impl Wake for Tells {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().send(self.0).unwrap();
        }
    }

    #[test]
    fn alarms_ring_in_their_order_and_not_when_they_are_dropped() {
        let (sender, woken) = channel();
        let now = tokio::time::Instant::now();
        let waker = |name| Waker::from(Arc::new(Tells(name, Mutex::new(sender.clone()))));
        let set =
            |name, after| Alarm::set(now + Duration::from_millis(after), &waker(name)).unwrap();
        // The later one first: the thread is woken for one that comes before.
        let (late, never, early) = (set(1, 60), set(2, 30), set(3, 20));
        drop(never);
        assert_eq!((woken.recv().unwrap(), woken.recv().unwrap()), (3, 1));
        assert!(now.elapsed() >= Duration::from_millis(60));
        assert!(early.has_rung() && late.has_rung());
        drop(set(4, 0));
        let past = set(5, 0);
        while woken.recv().unwrap() != 5 {}
        assert!(past.has_rung());
        let handed_on = set(6, 90);
        assert!(handed_on.wakes(&waker(7)));
        assert_eq!(woken.recv().unwrap(), 7);
        assert!(!handed_on.wakes(&waker(8)), "it has rung");
        drop((early, late, past));
        assert!(woken.recv_timeout(Duration::from_millis(50)).is_err());
    }
}
