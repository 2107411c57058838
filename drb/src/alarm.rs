//! Alarms: the system tells a runtime when the first one is due, as one more event, and the task that waits for that
//! wakes whose it is.
//!
//! With a timer of the runtime, each of its waits for events would be one with an end, for which the system sets a timer
//! and takes it down again with every call. A thread that waits in its place is worse for a program that has no other:
//! with a second one, all that it allocates and each of its system calls takes locks.

use std::{
    collections::BTreeMap,
    os::fd::{AsRawFd, RawFd},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    time::Instant,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::{self, Handle},
};

/// A task is woken at a certain time, unless this is dropped before.
pub(crate) struct Alarm {
    at: Instant,
    number: u64,
    rung: Arc<AtomicBool>,
    clock: Arc<Clock>,
}

/// All that are set in one runtime.
struct Clock {
    alarms: Mutex<Alarms>,
    timer: system::Timer,
}

#[derive(Default)]
struct Alarms {
    set: BTreeMap<(Instant, u64), (Waker, Arc<AtomicBool>)>,
    next: u64,
    /// When the timer goes off, if it does.
    goes_off: Option<Instant>,
    /// Nobody waits for it any more.
    ended: bool,
}

/// Those of the runtimes that have had sockets: few.
static CLOCKS: Mutex<Vec<(runtime::Id, Arc<Clock>)>> = Mutex::new(Vec::new());

/// Whether a runtime of this process has had a clock of its own.
static VIRTUAL: AtomicBool = AtomicBool::new(false);

/// Whether a test has stopped a clock, as far as that was noticed.
pub(crate) fn is_virtual() -> bool {
    VIRTUAL.load(Ordering::Relaxed)
}

/// Makes sure that this runtime, in which there is going to be a socket, has alarms. (One without sockets may have no
/// events.)
pub(crate) fn begin() {
    let Ok(runtime) = Handle::try_current() else { return };
    if Clock::of(&runtime).is_some() {
        return;
    }
    // Where the system has no such timer, or no more of them, the runtime's do.
    let Ok(timer) = system::Timer::new() else { return };
    let clock = Arc::new(Clock { alarms: Mutex::default(), timer });
    #[allow(
        deprecated,
        reason = "its successor is unsafe: not everything has the descriptor that it says"
    )]
    let events = AsyncFd::with_interest(Events(Arc::clone(&clock)), Interest::READABLE);
    let Ok(events) = events else { return };
    let mut clocks = clocks();
    if find(&clocks, &runtime).is_some() {
        return;
    }
    clocks.push((runtime.id(), clock));
    drop(clocks);
    runtime.spawn(async move {
        while let Ok(mut ready) = events.readable().await {
            ready.clear_ready();
            events.get_ref().0.ring();
        }
    });
}

fn find<'a>(clocks: &'a [(runtime::Id, Arc<Clock>)], runtime: &Handle) -> Option<&'a Arc<Clock>> {
    clocks.iter().find(|(id, _)| *id == runtime.id()).map(|(_, clock)| clock)
}

fn clocks() -> MutexGuard<'static, Vec<(runtime::Id, Arc<Clock>)>> {
    CLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Alarm {
    /// Wakes at that time. `None` where the runtime has no alarms, or time is not that of the system: a test can stop a
    /// runtime's clock, and then only the runtime knows when it is that time.
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
        let clock = Clock::of(&Handle::try_current().ok()?)?;
        let at = at.into_std();
        let rung = Arc::default();
        let mut alarms = clock.alarms();
        if alarms.ended {
            return None;
        }
        if alarms.goes_off.is_none_or(|goes_off| at < goes_off) {
            clock.timer.set(at.saturating_duration_since(now)).ok()?;
            alarms.goes_off = Some(at);
        }
        let number = alarms.next;
        alarms.next += 1;
        alarms.set.insert((at, number), (waker.clone(), Arc::clone(&rung)));
        drop(alarms);
        Some(Self { at, number, rung, clock })
    }

    /// Wakes another one than before, unless it has rung.
    pub(crate) fn wakes(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut alarms = self.clock.alarms();
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

    /// Whether it has rung: it is due, or its runtime is at its end.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if !self.has_rung() {
            let alarm = self.clock.alarms().set.remove(&(self.at, self.number));
            // A waker can hold the last reference to a task, and that may have an alarm.
            drop(alarm);
        }
    }
}

impl Clock {
    fn of(runtime: &Handle) -> Option<Arc<Self>> {
        find(&clocks(), runtime).cloned()
    }

    fn alarms(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings those that are due, and has the timer go off with the next one.
    fn ring(&self) {
        let mut alarms = self.alarms();
        let now = Instant::now();
        let later = alarms.set.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut alarms.set, later);
        let next = alarms.set.first_key_value().map(|((at, _), _)| *at);
        alarms.goes_off = next.filter(|at| {
            // If this should fail, the next one that is set tries again.
            self.timer.set(at.saturating_duration_since(now)).is_ok()
        });
        drop(alarms);
        Self::wake(due);
    }

    /// Nobody waits for the timer any more. Whoever has an alarm sets another one.
    fn end(self: &Arc<Self>) {
        clocks().retain(|(_, clock)| !Arc::ptr_eq(clock, self));
        let mut alarms = self.alarms();
        alarms.ended = true;
        let all = std::mem::take(&mut alarms.set);
        drop(alarms);
        Self::wake(all);
    }

    fn wake(alarms: BTreeMap<(Instant, u64), (Waker, Arc<AtomicBool>)>) {
        for (waker, rung) in alarms.into_values() {
            rung.store(true, Ordering::Release);
            // A program's own executor may do anything here. The others are woken all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// What the runtime watches, until its end.
struct Events(Arc<Clock>);

impl AsRawFd for Events {
    fn as_raw_fd(&self) -> RawFd {
        self.0.timer.as_raw_fd()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What the system has for this.
#[cfg(target_os = "linux")]
mod system {
    use nix::sys::{
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    };
    use std::{
        io,
        os::fd::{AsFd, AsRawFd, RawFd},
        time::Duration,
    };

    pub(super) struct Timer(TimerFd);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            Ok(Self(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))
        }

        /// It is to go off after so long, and not when it was to go off before. That makes an event each time, also
        /// if nobody has read the one before.
        pub(super) fn set(&self, after: Duration) -> io::Result<()> {
            // Nothing would mean never.
            let after = Expiration::OneShot(TimeSpec::from(after.max(Duration::from_nanos(1))));
            Ok(self.0.set(after, TimerSetTimeFlags::empty())?)
        }
    }

    impl AsRawFd for Timer {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }
}

/// Other systems have nothing of the kind.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::{
        convert::Infallible,
        io,
        os::fd::{AsRawFd, RawFd},
        time::Duration,
    };

    pub(super) struct Timer(Infallible);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn set(&self, _: Duration) -> io::Result<()> {
            match self.0 {}
        }
    }

    impl AsRawFd for Timer {
        fn as_raw_fd(&self) -> RawFd {
            match self.0 {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{task::Wake, time::Duration};
    use tokio::{
        runtime::Builder,
        sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        time::{sleep, timeout},
    };

    struct Tells(usize, UnboundedSender<usize>);

    impl Wake for Tells {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0).unwrap();
        }
    }

    fn wakers() -> (impl Fn(usize) -> Waker, UnboundedReceiver<usize>) {
        let (sender, woken) = unbounded_channel();
        (move |name| Waker::from(Arc::new(Tells(name, sender.clone()))), woken)
    }

    #[tokio::test]
    async fn alarms_ring_in_their_order_and_not_when_they_are_dropped() {
        begin();
        let (waker, mut woken) = wakers();
        let now = tokio::time::Instant::now();
        let set =
            |name, after| Alarm::set(now + Duration::from_millis(after), &waker(name)).unwrap();
        // The later one first: the timer is set again for one that comes before.
        let (late, never, early) = (set(1, 60), set(2, 30), set(3, 20));
        drop(never);
        assert_eq!((woken.recv().await, woken.recv().await), (Some(3), Some(1)));
        assert!(now.elapsed() >= Duration::from_millis(60));
        assert!(early.has_rung() && late.has_rung());
        drop(set(4, 0));
        let past = set(5, 0);
        assert_eq!(woken.recv().await, Some(5));
        assert!(past.has_rung());
        let handed_on = set(6, 90);
        assert!(handed_on.wakes(&waker(7)));
        assert_eq!(woken.recv().await, Some(7));
        assert!(!handed_on.wakes(&waker(8)), "it has rung");
        assert!(timeout(Duration::from_millis(50), woken.recv()).await.is_err());
    }

    #[test]
    fn whoever_has_an_alarm_of_a_runtime_that_ends_is_woken() {
        let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
        let (waker, mut woken) = wakers();
        let later = || tokio::time::Instant::now() + Duration::from_secs(100);
        let first = runtime();
        let id = first.handle().id();
        let alarm = first.block_on(async {
            assert!(Alarm::set(later(), &waker(1)).is_none(), "it has no sockets");
            begin();
            begin();
            sleep(Duration::from_millis(1)).await;
            Alarm::set(later(), &waker(1)).unwrap()
        });
        assert_eq!(clocks().iter().filter(|(other, _)| *other == id).count(), 1);
        assert!(!alarm.has_rung() && woken.try_recv().is_err());
        drop(first);
        assert!(alarm.has_rung());
        assert_eq!(woken.try_recv(), Ok(1));
        assert!(clocks().iter().all(|(other, _)| *other != id));
        assert!(Alarm::set(later(), &waker(1)).is_none(), "there is no runtime");
        // It has one again where it is needed next.
        runtime().block_on(async {
            begin();
            assert!(Alarm::set(later(), &waker(2)).is_some());
        });
    }

    #[test]
    fn a_runtime_that_has_ended_takes_no_alarms() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let clock = runtime.block_on(async {
            begin();
            Clock::of(&Handle::current()).unwrap()
        });
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let (waker, mut woken) = wakers();
        assert!(Alarm::set(tokio::time::Instant::now(), &waker(1)).is_none());
        assert!(clock.alarms().ended && woken.try_recv().is_err());
    }
}
