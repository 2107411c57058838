//! What is to be sent, in the protocol.

use super::Protocol;
use crate::native::{
    Piece,
    frame::{self, Kind},
    manners::Cancels,
};
use std::{
    task::{Context, Poll},
    time::Instant,
};

impl Protocol {
    /// Moves what is to be sent next to `out`, which then has about `most` bytes, if there are so
    /// many. What it gives is to be sent after these, before anything else.
    ///
    /// `now` is asked for only where that has to be known.
    #[must_use]
    pub fn transmit(
        &mut self,
        out: &mut Vec<u8>,
        most: usize,
        now: impl Fn() -> Instant,
    ) -> Option<Piece> {
        if !self.has_to_transmit() {
            return None;
        }
        if self.imports.has_releases() {
            let (oldest, next) = self.outbox.numbers();
            let (out, chunk) = (self.outbox.ready(), self.limits.chunk);
            self.imports.write_releases(out, chunk, oldest, next);
        }
        if self.outbox.is_ready()
            && let Some(taken) = self.inbox.intake.mention()
        {
            self.write_taken(taken);
        }
        if self.cancels.is_ready() {
            let (mut cancels, now) =
                (std::mem::replace(&mut self.cancels, Cancels::new(&self.limits)), now());
            while let Some(id) = cancels.next(now, |id| self.calls.is_abandoned(id)) {
                self.write_cancel(id);
            }
            self.cancels = cancels;
        }
        self.outbox.transmit(out, most, now)
    }

    /// Ready when there is.
    pub fn poll_transmit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.has_to_transmit() {
            return Poll::Ready(());
        }
        self.watch(context);
        Poll::Pending
    }

    /// Whether there is something to be sent.
    pub fn has_to_transmit(&self) -> bool {
        // Releases don't overtake what is held up.
        let releases = self.imports.has_releases() && !self.outbox.is_held_up();
        releases || self.outbox.is_ready() || self.cancels.is_ready()
    }

    /// Lets whoever sends be woken when there is more to be sent, which may have to be answered by
    /// another time than what was known before.
    pub fn watch(&mut self, context: &Context<'_>) {
        self.sender.sleep(context);
    }

    /// Whoever sends needn't be woken: it looks for what is to be sent before it sleeps. As long as something always
    /// arrives it doesn't sleep, so the calls whose time is up by `now` end here.
    pub fn awake(&mut self, now: Instant) {
        self.sender.awake();
        self.calls.date(|| now);
        if self.calls.earliest().is_some_and(|earliest| earliest <= now) {
            self.expire(now);
        }
    }

    /// Whoever sends has sent all that there was, and sleeps until this time, or until it is woken.
    pub fn rest(&mut self, until: Instant) {
        self.sender.rest(until);
    }

    /// Callers can send from here on what they have put in: see [`Outlet`](crate::native::Outlet).
    pub fn let_callers_send(&mut self) {
        self.sender.let_callers_send();
    }

    /// A caller, or a method's task, has not sent all that there was.
    pub(in crate::native) fn leave_to_sender(&mut self) {
        self.sender.wake();
    }

    /// Whether the call that was put in last is left to its caller to be sent.
    pub(in crate::native) fn is_left_to_caller(&self) -> bool {
        self.sender.is_left()
    }

    /// The bytes of a piece have been written.
    pub fn sent(&mut self, piece: Piece) {
        if let Some(memory) = piece.into_memory() {
            self.inbox.keep(memory);
        }
    }

    /// Tells the peer what of large messages has been taken, if it has asked.
    pub(super) fn tell_taken(&mut self) {
        if let Some(taken) = self.inbox.intake.answer() {
            self.write_taken(taken);
        }
    }

    fn write_taken(&mut self, taken: usize) {
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::Taken, 0);
        frame::put(out, taken as u64);
        frame::close(out, start);
    }

    /// If large messages wait for the peer to take what was sent of them: how much it has taken so far.
    pub fn held_up(&self) -> Option<u64> {
        self.outbox.is_held_up().then(|| self.outbox.window.taken_so_far())
    }

    /// How many messages were taken to be sent that go in pieces.
    pub fn large(&self) -> u64 {
        self.outbox.queued()
    }

    /// Whether so many small messages wait to be sent that nothing more is to be taken in.
    pub fn is_crowded_out(&self) -> bool {
        self.outbox.small() > self.limits.outbound
    }

    /// How many bytes wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }
}
