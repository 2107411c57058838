//! Whether others have to take the core from a thread that looks for what comes next.

use std::{
    thread::{self, ThreadId},
    time::Duration,
};
use tokio::time::Instant;

/// They do if the thread has not had three quarters of so long, or longer, to itself.
pub(super) const WINDOW: Duration = Duration::from_millis(1);

/// What a thread has used.
pub(super) struct Usage {
    pub(super) thread: ThreadId,
    pub(super) at: Instant,
    pub(super) time: Duration,
}

impl Usage {
    /// That of this thread, if the system tells.
    #[cfg(target_os = "linux")]
    pub(super) fn now() -> Option<Self> {
        use nix::time::{ClockId, clock_gettime};
        let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?.into();
        Some(Self { thread: thread::current().id(), at: Instant::now(), time })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn now() -> Option<Self> {
        None
    }

    /// It is that of `now`, if that tells something: whether others have had to take the core from this thread, which
    /// has not slept meanwhile.
    pub(super) fn goes_on(&mut self, now: Self) -> Option<bool> {
        let (passed, used) = (now.at - self.at, now.time.saturating_sub(self.time));
        let same = now.thread == self.thread;
        if same && passed < WINDOW {
            return None;
        }
        *self = now;
        same.then_some(used < passed * 3 / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_have_the_core_to_itself_is_in_the_way() {
        let now = Instant::now();
        let usage = |passed, used| Usage {
            thread: thread::current().id(),
            at: now + Duration::from_micros(passed),
            time: Duration::from_micros(used),
        };
        let is_in_the_way = |passed, used| usage(0, 0).goes_on(usage(passed, used));
        assert_eq!(is_in_the_way(999, 0), None, "too early to tell");
        assert_eq!([760, 740].map(|used| is_in_the_way(1000, used)), [Some(false), Some(true)]);
        let mut before = usage(0, 0);
        before.thread = thread::spawn(|| thread::current().id()).join().unwrap();
        assert_eq!(before.goes_on(usage(1000, 0)), None, "another thread's says nothing");
        assert_eq!(before.goes_on(usage(2000, 0)), Some(true));
    }
}
