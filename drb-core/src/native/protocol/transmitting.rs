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
        // Whoever asks doesn't have to be woken.
        self.sender_sleeps = false;
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

    /// Ready when there is something to be sent.
    pub fn poll_transmit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Releases don't overtake what is held up.
        let releases = self.imports.has_releases() && !self.outbox.is_held_up();
        if releases || self.outbox.is_ready() || self.cancels.is_ready() {
            return Poll::Ready(());
        }
        self.watch(context);
        Poll::Pending
    }

    /// Lets whoever sends be woken when there is more to be sent, which may have to be answered by
    /// another time than what was known before.
    pub fn watch(&mut self, context: &Context<'_>) {
        match &mut self.sender {
            // It is nearly always the same one.
            Some(sender) => sender.clone_from(context.waker()),
            None => self.sender = Some(context.waker().clone()),
        }
        self.sender_sleeps = true;
    }

    pub(super) fn wake_sender(&mut self) {
        if let (true, Some(sender)) = (self.sender_sleeps, &self.sender) {
            self.sender_sleeps = false;
            sender.wake_by_ref();
        }
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

    /// Whether so many small messages wait to be sent that nothing more is to be taken in.
    pub fn is_crowded_out(&self) -> bool {
        self.outbox.small() > self.limits.outbound
    }

    /// How many bytes wait to be sent.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }
}
