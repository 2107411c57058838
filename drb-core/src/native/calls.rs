//! The calls of this side that wait for their answers.

use super::{Mentioned, Tail, outbox::Sent};
use crate::LoadError;
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// By their numbers. A number is used again only after the answer to its call has come, so a late
/// answer never reaches another call.
#[derive(Default)]
pub(super) struct Calls {
    slots: Vec<Call>,
    free: Vec<u32>,
    ended: bool,
    /// How many calls the peer has taken, once it takes no more.
    taken: Option<u64>,
    /// How many calls may have been written, once no more can be.
    written: Option<u64>,
    /// No call has to have its answer before this, but for those of which it isn't known yet.
    earliest: Option<Instant>,
    /// Those of which it isn't known yet, and maybe others.
    undated: Vec<u32>,
}

/// A call, in a place that it has until it was answered. Nothing of it is moved when it goes on.
#[derive(Default)]
struct Call {
    state: State,
    waker: Option<Waker>,
    due: Due,
    /// Which of the calls in the order of their beginnings it is, if it was begun at once.
    order: Option<u64>,
    /// What has arrived; before that, the caller's memory for it.
    answer: Arrived,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Free,
    Waiting,
    Arrived,
    /// No answer has come in time, which the caller doesn't know yet; perhaps it has come since.
    Expired {
        answered: bool,
        /// Whether the peer can have it as a whole.
        sent: bool,
    },
    /// Nobody waits, but the peer is still to answer.
    Abandoned,
}

impl Call {
    /// Nobody waits for it any more, with what it is now.
    fn becomes(&mut self, state: State) {
        self.state = state;
        self.waker = None;
        self.answer = Arrived::default();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// When a call has to have its answer.
///
/// To ask for the time takes as long as much of a call does. So it is asked for once for all calls that are made
/// before whoever sends them has its turn.
#[derive(Clone, Copy, Default)]
enum Due {
    #[default]
    Never,
    /// So long after that.
    Within(Duration),
    At(Instant),
}

/// What has become of a call.
#[derive(Debug)]
pub enum Ending<'a> {
    /// It was answered, with this, which is to be taken from there.
    Answered(&'a mut Arrived),
    /// Its time is up.
    Expired {
        /// Whether it may have been made.
        executed: bool,
    },
    /// The connection has ended. If the peer has said so before, it is known that the call was not
    /// made.
    Lost {
        /// Whether it may have been.
        executed: bool,
    },
}

/// The answer to a call.
#[derive(Debug)]
pub struct Arrived {
    /// Whether it is a result, rather than an exception.
    pub success: bool,
    /// What it refers to; objects of this side are held until it is loaded.
    /// `None` for nothing, as in nearly all answers.
    pub mentioned: Option<Box<Result<Mentioned, LoadError>>>,
    /// The result or the exception; an error if it was too long.
    pub body: Result<Vec<u8>, LoadError>,
    /// The string at its end, if that has travelled beside it.
    pub tail: Option<Arc<Tail>>,
}

impl Default for Arrived {
    fn default() -> Self {
        Self { success: false, mentioned: None, body: Ok(Vec::new()), tail: None }
    }
}

impl Arrived {
    /// All of it: nothing is left.
    pub fn take(&mut self) -> Self {
        let Self { success, mentioned, body, tail } = self;
        let body = std::mem::replace(body, Ok(Vec::new()));
        Self { success: *success, mentioned: mentioned.take(), body, tail: tail.take() }
    }
}

/// What is to be done about a call that nobody waits for any more.
#[derive(Debug)]
pub(super) enum Abandon {
    Nothing,
    /// The peer is to be told.
    Cancel,
    /// What it refers to is to be given back.
    Answered(Arrived),
}

/// Who has waited for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Waited,
    Abandoned,
    /// No such call was made.
    Unknown,
}

impl Calls {
    pub(super) fn begin(&mut self, deadline: Option<Duration>, waker: Option<&Waker>) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Call::default());
            (self.slots.len() - 1) as u32
        });
        if let Some(call) = self.slots.get_mut(id as usize) {
            call.state = State::Waiting;
            call.waker = waker.cloned();
            call.due = deadline.map_or(Due::Never, Due::Within);
            call.order = None;
        }
        if deadline.is_some() {
            self.undated.push(id);
        }
        id
    }

    /// The time of the calls that were made since this was said last begins now.
    pub(super) fn date(&mut self, now: impl FnOnce() -> Instant) {
        if self.undated.is_empty() {
            return;
        }
        let now = now();
        for id in self.undated.drain(..) {
            if let Some(call) = self.slots.get_mut(id as usize)
                && call.state == State::Waiting
                && let Due::Within(deadline) = call.due
            {
                let until = now.checked_add(deadline);
                call.due = until.map_or(Due::Never, Due::At);
                self.earliest = self.earliest.into_iter().chain(until).min();
            }
        }
    }

    /// Whether one call waits and no other.
    pub(super) fn is_alone(&self) -> bool {
        self.slots.len() - self.free.len() == 1
    }

    /// The call has been begun: with memory for the answer, and in which order.
    pub(super) fn begun(&mut self, id: u32, mut buffer: Vec<u8>, order: Option<u64>) {
        buffer.clear();
        if let Some(call) = self.slots.get_mut(id as usize) {
            if let Ok(body) = &mut call.answer.body {
                *body = buffer;
            }
            call.order = order;
        }
    }

    /// What has become of a call.
    #[inline]
    pub(super) fn poll(&mut self, id: u32, context: &mut Context<'_>) -> Poll<Ending<'_>> {
        let Some(call) = self.slots.get_mut(id as usize) else {
            return Poll::Ready(Ending::Lost { executed: true });
        };
        match call.state {
            State::Arrived => {
                call.state = State::Free;
                self.free.push(id);
                Poll::Ready(Ending::Answered(&mut call.answer))
            }
            State::Waiting if !self.ended => {
                match &mut call.waker {
                    Some(known) => known.clone_from(context.waker()),
                    None => call.waker = Some(context.waker().clone()),
                }
                Poll::Pending
            }
            State::Expired { answered: false, sent } => {
                call.state = State::Abandoned;
                Poll::Ready(Ending::Expired { executed: sent })
            }
            State::Expired { answered: true, sent } => {
                call.state = State::Free;
                self.free.push(id);
                Poll::Ready(Ending::Expired { executed: sent })
            }
            State::Waiting => {
                let taken = self.taken.into_iter().chain(self.written).min();
                let refused = match (call.order, taken) {
                    (Some(order), Some(taken)) => order >= taken,
                    _ => false,
                };
                Poll::Ready(Ending::Lost { executed: !refused })
            }
            State::Free | State::Abandoned => Poll::Ready(Ending::Lost { executed: true }),
        }
    }

    fn state(&self, id: u32) -> Option<State> {
        self.slots.get(id as usize).map(|call| call.state)
    }

    /// Whether a call has an answer, or is not going to have one.
    pub(super) fn is_over(&self, id: u32) -> bool {
        !self.waits(id) || self.ended
    }

    /// When a call may be out of time, at the earliest.
    pub(super) fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    /// Whether one may be out of time before that, or it isn't known of all.
    pub(super) fn is_due_by(&self, until: Instant) -> bool {
        !self.undated.is_empty() || self.earliest.is_some_and(|earliest| earliest < until)
    }

    /// Ends the calls whose time is up, and gives their numbers: the peer is to be told.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<u32> {
        self.date(|| now);
        let mut expired = Vec::new();
        self.earliest = None;
        for (id, call) in (0..).zip(&mut self.slots) {
            let (State::Waiting, Due::At(until)) = (call.state, call.due) else { continue };
            if until > now {
                self.earliest = self.earliest.into_iter().chain([until]).min();
                continue;
            }
            call.wake();
            call.becomes(State::Expired { answered: false, sent: true });
            expired.push(id);
        }
        expired
    }

    /// So much was sent of a call whose time is up.
    pub(super) fn expired(&mut self, id: u32, how_much: Sent) {
        if let Some(Call { state: State::Expired { answered, sent }, .. }) =
            self.slots.get_mut(id as usize)
        {
            // What was not sent is not answered, and what was sent in part is not made.
            *answered = how_much == Sent::Nothing;
            *sent = how_much == Sent::All;
        }
    }

    /// Whether nobody waits for a call that is still to be answered.
    pub(super) fn is_abandoned(&self, id: u32) -> bool {
        let state = self.state(id);
        matches!(state, Some(State::Abandoned | State::Expired { answered: false, .. }))
    }

    /// Whether somebody waits for the answer to a call.
    pub(super) fn waits(&self, id: u32) -> bool {
        self.state(id) == Some(State::Waiting)
    }

    /// Takes an answer that has arrived, and says who has waited for it.
    pub(super) fn answered(
        &mut self,
        id: u32,
        success: bool,
        mentioned: Option<Box<Result<Mentioned, LoadError>>>,
        tail: Option<Arc<Tail>>,
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Answered {
        let Some(call) = self.slots.get_mut(id as usize) else { return Answered::Unknown };
        match call.state {
            State::Waiting => {
                let answer = &mut call.answer;
                (answer.success, answer.mentioned, answer.tail) = (success, mentioned, tail);
                if let Ok(buffer) = &mut answer.body {
                    body(buffer);
                }
                call.state = State::Arrived;
                call.wake();
                Answered::Waited
            }
            State::Expired { answered: false, sent } => {
                call.state = State::Expired { answered: true, sent };
                Answered::Abandoned
            }
            State::Abandoned => {
                self.free(id);
                Answered::Abandoned
            }
            State::Free | State::Arrived | State::Expired { .. } => Answered::Unknown,
        }
    }

    /// An answer has arrived that is none.
    pub(super) fn arrived(&mut self, id: u32, error: Result<Vec<u8>, LoadError>) {
        if self.answered(id, true, None, None, |_| {}) == Answered::Waited
            && let Some(call) = self.slots.get_mut(id as usize)
        {
            call.answer.body = error;
        }
    }

    /// Nobody waits any more; says what is to be done about it.
    pub(super) fn abandon(&mut self, id: u32) -> Abandon {
        let Some(call) = self.slots.get_mut(id as usize) else { return Abandon::Nothing };
        match call.state {
            State::Waiting => {
                call.becomes(State::Abandoned);
                Abandon::Cancel
            }
            State::Arrived => {
                let answer = call.answer.take();
                self.free(id);
                Abandon::Answered(answer)
            }
            // The peer has been told.
            State::Expired { answered: false, .. } => {
                call.state = State::Abandoned;
                Abandon::Nothing
            }
            State::Expired { answered: true, .. } => {
                self.free(id);
                Abandon::Nothing
            }
            State::Free | State::Abandoned => Abandon::Nothing,
        }
    }

    /// Forgets a call that was never sent.
    pub(super) fn remove(&mut self, id: u32) {
        if self.waits(id) {
            self.free(id);
        }
    }

    fn free(&mut self, id: u32) {
        if let Some(call) = self.slots.get_mut(id as usize) {
            call.becomes(State::Free);
            self.free.push(id);
        }
    }

    /// The peer has taken so many calls, and takes no more.
    pub(super) fn go_away(&mut self, taken: u64) {
        self.taken = Some(taken);
    }

    /// Of the calls only so many can have been written, and none of the `unsent` ones as a whole.
    pub(super) fn written(&mut self, count: u64, unsent: &[u32]) {
        self.written = Some(count);
        for id in unsent {
            if let Some(call) = self.slots.get_mut(*id as usize) {
                // Behind all that have been.
                call.order = Some(u64::MAX);
            }
        }
    }

    /// No answer comes any more.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.slots.iter_mut().for_each(Call::wake);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// How many wait, or are still to be answered.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
