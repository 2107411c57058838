//! The calls that go on by themselves, and the tasks in which they do. A task serves for one method after the
//! other: a new one for each would take longer than many a method.

use super::{running::Ticket, serving::tell};
use crate::{
    Context, Current,
    dispatch::{self, Completed, Signature},
    server::Shared,
};
use drb_core::native::Connection;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{self, Poll, Waker},
};

/// A call that goes on in a task or on a thread of its own.
pub(super) struct GoesOn {
    pub(super) connection: Arc<Connection>,
    pub(super) method: Arc<Signature>,
    pub(super) server: Option<Arc<Shared>>,
    pub(super) context: Context,
    pub(super) ticket: Ticket,
}

impl GoesOn {
    /// The method has ended, and says whether it was to be answered: a call that was cancelled has been.
    pub(super) fn answer(&self, mut completed: Completed) -> bool {
        let answers = self.ticket.take();
        if answers {
            tell(self.server.as_deref(), &self.context, self.method.name(), &completed);
            self.connection.answer(self.ticket.id(), &mut completed, self.ticket.is_alone());
        }
        answers
    }
}

/// A call that goes on in a task. Its method is dropped before what answers it.
pub(super) struct Task {
    pub(super) method: dispatch::Running,
    pub(super) current: Arc<Current>,
    pub(super) call: GoesOn,
}

/// A task in which one method after the other goes on, as those see it who have methods for it, or stop them.
#[derive(Default)]
pub(super) struct Worker {
    state: Mutex<State>,
    /// What wakes the task, once it has begun.
    waker: OnceLock<Waker>,
}

#[derive(Default)]
struct State {
    /// What it is to go on with.
    next: Option<Task>,
    /// The call that it goes on with.
    serial: u64,
    /// Whether that is to be stopped.
    stopped: bool,
    /// Whether it was woken when it had nothing to do. It may have been for what comes next.
    woken: bool,
    /// Whether it ends when it has nothing to do.
    ended: bool,
}

impl Worker {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What wakes the task: methods can be polled with it before they are taken on.
    pub(super) fn waker(&self) -> &Waker {
        self.waker.get().unwrap_or(Waker::noop())
    }

    /// Goes on with a method that was polled with its [`waker`](Self::waker), and with nothing else until it has
    /// ended.
    pub(super) fn take_on(self: Arc<Self>, task: Task) {
        let mut state = self.lock();
        (state.serial, state.stopped) = (task.call.ticket.serial(), false);
        state.next = Some(task);
        let woken = std::mem::take(&mut state.woken);
        drop(state);
        match self.waker.get() {
            Some(waker) if woken => waker.wake_by_ref(),
            Some(_) => {}
            None => _ = tokio::spawn(Work { worker: self, task: None }),
        }
    }

    /// Stops the call of this number, if it goes on with that.
    pub(super) fn stop(&self, serial: u64) {
        let mut state = self.lock();
        if state.serial == serial {
            state.stopped = true;
            drop(state);
            self.waker().wake_by_ref();
        }
    }

    /// It is no longer needed.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.waker().wake_by_ref();
    }
}

/// The task.
struct Work {
    worker: Arc<Worker>,
    task: Option<Task>,
}

impl Future for Work {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<()> {
        let Self { worker, task } = &mut *self;
        worker.waker.get_or_init(|| context.waker().clone());
        let mut state = worker.lock();
        if let Some(next) = state.next.take() {
            *task = Some(next);
        }
        let stopped = std::mem::take(&mut state.stopped);
        let Some(Task { method, current, call }) = task else {
            state.woken = true;
            return if state.ended { Poll::Ready(()) } else { Poll::Pending };
        };
        drop(state);
        if stopped {
            *task = None;
            return Poll::Ready(());
        }
        let poll = || current.enter(|| Pin::new(method).poll(context));
        let (polled, let_go) = call.connection.tell_later(poll);
        let Poll::Ready(completed) = polled else {
            if let_go {
                call.connection.tell();
            }
            return Poll::Pending;
        };
        if let Some(Task { method, mut call, .. }) = task.take() {
            drop(method);
            if !call.answer(completed) && let_go {
                call.connection.tell();
            }
            call.ticket.leave(Arc::clone(worker));
        }
        Poll::Pending
    }
}

/// The runtime ends, or something has panicked.
impl Drop for Work {
    fn drop(&mut self) {
        let next = self.worker.lock().next.take();
        // Its destructors run where nothing is locked.
        drop(next);
    }
}
