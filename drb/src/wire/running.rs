//! The calls of one connection that go on, until their methods have really ended.

use super::going_on::Worker;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::task::AbortHandle;

/// So many tasks are kept for the next methods.
const KEEP: usize = 64;

/// The calls that run. Each is answered once: whoever takes its number out does it. It counts until
/// its method has ended, which may be after the answer: a thread cannot be stopped, and what says
/// `no_cancel` is not to be.
#[derive(Default)]
pub(super) struct Running {
    state: Mutex<State>,
    /// How many there are, and of those that are just ending. It changes while the state is locked,
    /// and is read without that with each call.
    count: AtomicUsize,
    /// What the arguments of large calls take in memory.
    bytes: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Those without an answer, by the numbers of the calls.
    unanswered: BTreeMap<u32, Task>,
    /// Those that go on although nobody waits for them, by their serial numbers.
    detached: BTreeMap<u64, Stop>,
    /// A peer uses a call's number again after the answer; these are never used again.
    next: u64,
    /// Those that have no method, until the connection has ended.
    workers: Vec<Arc<Worker>>,
    ended: bool,
    /// Whoever waits for the last one.
    waker: Option<Waker>,
}

struct Task {
    serial: u64,
    no_cancel: bool,
    /// `None` until it is known.
    stop: Option<Stop>,
}

/// What stops a method that can be stopped.
pub(super) enum Stop {
    Worker(Arc<Worker>),
    /// As long as it has no thread.
    Thread(AbortHandle),
}

impl Stop {
    /// Stops the call of this number. Destructors run later, elsewhere.
    fn stop(self, serial: u64) {
        match self {
            Self::Worker(worker) => worker.stop(serial),
            Self::Thread(thread) => thread.abort(),
        }
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many methods run.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// How many bytes the arguments take of the calls that hold many.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// A call begins, which counts until the ticket is dropped.
    pub(super) fn begin(self: &Arc<Self>, id: u32, no_cancel: bool, stop: Option<Stop>) -> Ticket {
        let mut state = self.lock();
        let serial = state.next;
        state.next += 1;
        self.count.fetch_add(1, Ordering::AcqRel);
        state.unanswered.insert(id, Task { serial, no_cancel, stop });
        Ticket { running: Arc::clone(self), id, serial, bytes: 0, worker: None }
    }

    /// One that has no method, if there is one.
    pub(super) fn worker(&self) -> Option<Arc<Worker>> {
        self.lock().workers.pop()
    }

    /// Says how the call can be stopped that was begun last with this number.
    pub(super) fn runs(&self, id: u32, stop: Stop) {
        // It may have ended already.
        if let Some(task) = self.lock().unanswered.get_mut(&id) {
            task.stop = Some(stop);
        }
    }

    /// Stops a call, if it can be stopped, and says whether it is to be answered.
    pub(super) fn cancel(&self, id: u32) -> bool {
        let mut state = self.lock();
        let task = state.unanswered.remove(&id);
        let cancelled = task.is_some();
        let stopped = task.and_then(|task| state.abandon(task));
        drop(state);
        if let Some((serial, stop)) = stopped {
            stop.stop(serial);
        }
        cancelled
    }

    /// Nobody waits for anything any more, and no further calls begin.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let workers = std::mem::take(&mut state.workers);
        let tasks = std::mem::take(&mut state.unanswered);
        let mut tasks: Vec<_> = tasks.into_values().collect();
        // In the same order each time, for tests that are repeated.
        tasks.sort_unstable_by_key(|task| task.serial);
        let stopped: Vec<_> = tasks.into_iter().filter_map(|task| state.abandon(task)).collect();
        drop(state);
        workers.iter().for_each(|worker| worker.end());
        stopped.into_iter().for_each(|(serial, stop)| stop.stop(serial));
    }

    /// Stops all that can be stopped, whatever it says.
    fn cut_off(&self) {
        self.end();
        let detached = std::mem::take(&mut self.lock().detached);
        detached.into_iter().for_each(|(serial, stop)| stop.stop(serial));
    }

    /// Ready when no method runs, all answers having been given.
    pub(super) fn poll_idle(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if self.count() == 0 {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl State {
    /// A call is no longer waited for. Gives what stops it, if it is to be stopped.
    fn abandon(&mut self, task: Task) -> Option<(u64, Stop)> {
        let Task { serial, no_cancel, stop } = task;
        let stop = (serial, stop?);
        if no_cancel {
            self.detached.extend([stop]);
            return None;
        }
        Some(stop)
    }
}

/// A call that runs. Its method owns this, or is dropped before it.
pub(super) struct Ticket {
    running: Arc<Running>,
    id: u32,
    serial: u64,
    bytes: usize,
    /// Where its method went on until it ended.
    worker: Option<Arc<Worker>>,
}

impl Ticket {
    /// The call's number at its caller.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// The number of the call, which no other one ever has.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// The method has ended, and this worker can have the next one.
    pub(super) fn leave(&mut self, worker: Arc<Worker>) {
        self.worker = Some(worker);
    }

    /// The call's arguments take so many bytes.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.running.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// Whether no other method runs.
    pub(super) fn is_alone(&self) -> bool {
        self.running.count() == 1
    }

    /// Takes the call out, to answer it. `false` if that has been done.
    pub(super) fn take(&self) -> bool {
        let mut state = self.running.lock();
        // The number may be that of another call by now.
        let own = state.unanswered.get(&self.id).is_some_and(|task| task.serial == self.serial);
        own && state.unanswered.remove(&self.id).is_some()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.take();
        self.running.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        let mut state = self.running.lock();
        state.detached.remove(&self.serial);
        let last = self.running.count.fetch_sub(1, Ordering::AcqRel) == 1;
        let waker = if last { state.waker.take() } else { None };
        let mut worker = self.worker.take();
        if !state.ended && state.workers.len() < KEEP {
            state.workers.extend(worker.take());
        }
        drop(state);
        if let Some(worker) = worker {
            worker.end();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The methods that go on after their connection; dropping it cuts them off.
pub(super) struct Last(pub(super) Arc<Running>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.cut_off();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> AbortHandle {
        tokio::spawn(std::future::pending::<()>()).abort_handle()
    }

    #[tokio::test]
    async fn a_call_counts_until_its_method_has_ended() {
        let running = Arc::new(Running::default());
        let first = running.begin(7, false, None);
        assert!(running.cancel(7));
        assert!(!running.cancel(7), "it has been answered");
        assert_eq!(running.count(), 1);
        // The number is used again; the first call doesn't touch the second.
        let second = running.begin(7, false, None);
        assert!(!first.take());
        drop(first);
        assert_eq!(running.count(), 1);
        assert!(second.take() && !second.take());
        drop(second);
        assert_eq!(running.count(), 0);
        assert!(running.lock().unanswered.is_empty());
    }

    #[tokio::test]
    async fn what_is_not_to_be_stopped_is_cut_off_at_the_very_end_only() {
        let running = Arc::new(Running::default());
        let (kept, stopped) = (running.begin(1, true, None), running.begin(2, false, None));
        let (abort_kept, abort_stopped) = (never(), never());
        running.runs(1, Stop::Thread(abort_kept.clone()));
        running.runs(2, Stop::Thread(abort_stopped.clone()));
        running.end();
        tokio::task::yield_now().await;
        assert!(abort_stopped.is_finished() && !abort_kept.is_finished());
        drop(Last(Arc::clone(&running)));
        tokio::task::yield_now().await;
        assert!(abort_kept.is_finished());
        drop((kept, stopped));
        assert_eq!((running.count(), running.lock().detached.len()), (0, 0));
    }
}
