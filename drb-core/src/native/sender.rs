//! Whoever sends what waits to be sent: a task that sleeps when there is nothing, or in its place the caller
//! of the only call that is under way, or the task of the only method that runs.

use std::{
    task::{Context, Waker},
    time::Instant,
};

/// How a connection's task, which sends and receives, is told that there is something to be sent.
#[derive(Default)]
pub(super) struct Sender {
    waker: Option<Waker>,
    /// Whether it is to be woken.
    sleeps: bool,
    /// If it has sent all that it has taken: by when it wakes without being woken.
    rests: Option<Instant>,
    /// Whether that holds on: nothing has come since that it could depend on.
    holds: bool,
    /// Whether callers can send in its place.
    has_callers: bool,
    /// Whether what was put in last is left to its caller.
    left: bool,
}

impl Sender {
    /// It is to be woken. What it has taken may not be sent yet.
    pub(super) fn sleep(&mut self, context: &Context<'_>) {
        match &mut self.waker {
            // It is nearly always the same one.
            Some(waker) => waker.clone_from(context.waker()),
            None => self.waker = Some(context.waker().clone()),
        }
        (self.sleeps, self.rests) = (true, None);
    }

    /// All that it has taken is sent; it wakes by `until`, and may [rest on](Self::rest_on) until then if that `holds`.
    pub(super) fn rest(&mut self, until: Instant, holds: bool) {
        (self.rests, self.holds) = (Some(until), holds);
    }

    /// Something has come on which it depends when something is to be done.
    pub(super) fn look(&mut self) {
        self.holds = false;
    }

    /// Until when it may rest on, if it may.
    pub(super) fn holds(&self, context: &Context<'_>) -> Option<Instant> {
        let same = |waker: &Waker| waker.will_wake(context.waker());
        self.rests.filter(|_| self.holds && self.waker.as_ref().is_some_and(same))
    }

    /// It is to be woken, as it was before.
    pub(super) fn rest_on(&mut self) {
        self.sleeps = true;
    }

    /// It needn't be woken: it looks what there is before it sleeps.
    pub(super) fn awake(&mut self) {
        self.sleeps = false;
    }

    /// There is something to be sent.
    pub(super) fn wake(&mut self) {
        self.left = false;
        if let (true, Some(waker)) = (self.sleeps, &self.waker) {
            self.sleeps = false;
            waker.wake_by_ref();
        }
    }

    /// Callers can send in its place from here on.
    pub(super) fn let_callers_send(&mut self) {
        self.has_callers = true;
    }

    /// Whether it sleeps, has sent all that it has taken, and callers can send in its place.
    pub(super) fn rests(&self) -> bool {
        self.sleeps && self.has_callers && self.rests.is_some()
    }

    /// There is a call to be sent, which is to have its answer by `until`, or an answer. While no other is under
    /// way, it is left to whoever has put it in: that spares a turn of the task. The task has to know of it only
    /// if it would sleep for too long.
    pub(super) fn leave(&mut self, until: Option<Instant>) -> bool {
        let rests = self.rests.filter(|_| self.rests());
        self.left = rests.is_some_and(|rests| until.is_none_or(|until| rests <= until));
        self.left
    }

    /// Whether what was put in last is left to its caller.
    pub(super) fn is_left(&self) -> bool {
        self.left
    }
}
