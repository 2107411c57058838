//! The call that a thread is serving right now, and the chain of calls that it belongs to.

use crate::{Exception, Limit, Session};
use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Current>>> = const { RefCell::new(None) };
}

/// A call that is being served (Ruby: `Thread.current['DRb']`).
///
/// As long as its method runs, in place, on a thread for blocking work or in each poll of its future,
/// it is the current one: what the method passes by reference goes through its session, and what it
/// calls within this process continues its chain. What it calls, wherever, takes no longer than what is
/// left of its own deadline.
pub struct Current {
    session: Arc<dyn Session>,
    /// The call whose method has made this one, if both are of this process.
    caller: Option<Arc<Self>>,
    /// How many calls the chain has, this one included.
    depth: usize,
    /// When its caller stops waiting, if it does.
    until: Option<Instant>,
    /// Where the object is in memory; 0 until it is known to be one that may have to be waited for.
    object: AtomicUsize,
}

impl Current {
    /// A call from elsewhere, with which a chain begins.
    pub fn new(session: Arc<dyn Session>) -> Self {
        Self { session, caller: None, depth: 1, until: None, object: AtomicUsize::new(0) }
    }

    /// A call that the current one makes within this process, in a chain of at most `most` calls.
    ///
    /// # Errors
    /// [`Limit::Recursion`], as the exception that refuses the call.
    pub fn next(session: Arc<dyn Session>, most: usize) -> Result<Self, Exception> {
        let caller = Self::get();
        let depth = caller.as_ref().map_or(0, |caller| caller.depth) + 1;
        if depth > most {
            let name = Limit::Recursion.name();
            let message =
                format!("the calls within each other exceed the limit `{name}` of {most}");
            let mut exception = Exception::new("DRb::DRbConnError", message).with("limit", name);
            exception.refused = true;
            return Err(exception);
        }
        let until = caller.as_ref().and_then(|caller| caller.until);
        Ok(Self { session, caller, depth, until, object: AtomicUsize::new(0) })
    }

    /// The current call, if there is one, with another session.
    pub fn with_session(session: Arc<dyn Session>) -> Self {
        let caller = Self::get();
        let depth = caller.as_ref().map_or(1, |caller| caller.depth);
        let until = caller.as_ref().and_then(|caller| caller.until);
        Self { session, caller, depth, until, object: AtomicUsize::new(0) }
    }

    /// The same with the time at which the caller stops waiting.
    pub fn wait_until(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// When the caller of this thread's current call stops waiting, if there is one that does.
    pub fn until() -> Option<Instant> {
        CURRENT.with_borrow(|current| current.as_ref()?.until)
    }

    /// The current call of this thread.
    pub fn get() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// What references in the call go through.
    pub fn session(&self) -> &Arc<dyn Session> {
        &self.session
    }

    /// Makes it the current call for as long as `run` runs.
    pub fn enter<T>(self: &Arc<Self>, run: impl FnOnce() -> T) -> T {
        let _entered = Arc::clone(self).enter_own();
        run()
    }

    /// Makes it the current call until what this gives is dropped or [left](Entered::leave).
    pub fn enter_own(self: Arc<Self>) -> Entered {
        Entered(CURRENT.replace(Some(self)))
    }

    /// Says that the current call has come to the object at an address, of which some methods exclude
    /// others, and whether an earlier call of the chain is still at that object.
    pub(crate) fn comes_back_to(address: usize) -> bool {
        CURRENT.with_borrow(|current| {
            let Some(current) = current else { return false };
            current.object.store(address, Ordering::Relaxed);
            let mut caller = &current.caller;
            while let Some(call) = caller {
                if call.object.load(Ordering::Relaxed) == address {
                    return true;
                }
                caller = &call.caller;
            }
            false
        })
    }
}

/// A call is the current one: see [`Current::enter_own`]. This is the one that was so before.
#[derive(Debug)]
pub struct Entered(Option<Arc<Current>>);

impl Entered {
    /// Ends that now, and gives the call back, for the next one: so it is counted nowhere meanwhile.
    pub fn leave(mut self) -> Option<Arc<Current>> {
        let own = CURRENT.replace(self.0.take());
        // Nothing is left to be restored.
        std::mem::forget(self);
        own
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("depth", &self.depth).finish_non_exhaustive()
    }
}
