//! What is to be sent, in the protocol.

use super::Protocol;
use crate::native::{
    Piece,
    frame::{self, Kind},
    manners::Cancels,
};
use std::{
    hint::cold_path,
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
            cold_path();
            self.sender.look();
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
        let releases = || self.imports.has_releases() && !self.outbox.is_held_up();
        self.outbox.is_ready() || releases() || self.cancels.is_ready()
    }

    /// Whether the next piece of a large message had better wait a moment: callers have got answers since this was asked
    /// last, and if they call again, that is to go before it.
    pub fn lets_callers_go_first(&mut self) -> bool {
        std::mem::take(&mut self.told) && self.lets_small_between()
    }

    /// Whether the next piece of a large message can be sent, and small ones go between.
    pub fn lets_small_between(&self) -> bool {
        self.outbox.lets_small_between()
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
            cold_path();
            self.expire(now);
        }
    }

    /// Whoever sends has sent all that there was, and sleeps until this time, or until it is woken. `holds` says whether
    /// calls and answers that are served at once make no difference to that.
    pub fn rest(&mut self, until: Instant, holds: bool) {
        // When what needs the connection ceases to do so, that is to be seen: it is idle from then on.
        let holds = holds && !(self.idle.ends() && self.is_needed());
        self.sender.rest(until, holds);
    }

    /// Whoever sends sleeps until the time until which it has [rested](Self::rest) before, or until it is woken, if only
    /// calls and answers have come since, and all that there was to be sent was given out. `false` if it has to look
    /// first what there is to be done, and when.
    pub fn rest_on(&mut self, context: &Context<'_>) -> bool {
        let Some(until) = self.sender.holds(context) else { return false };
        let rests = !self.promises.runs() && !self.calls.is_due_by(until) && self.waiting() == 0;
        if rests {
            self.sender.rest_on();
        }
        rests
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Limits, ObjectId,
        native::{Calling, PREAMBLE, Received, Sending, Tables, frame::MORE},
    };
    use std::{
        sync::Arc,
        task::{Wake, Waker},
        time::Duration,
    };

    const SECOND: Duration = Duration::from_secs(1);

    /// Whoever sends.
    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    fn task() -> Waker {
        Waker::from(Arc::new(Task))
    }

    fn call(protocol: &mut Protocol, deadline: Duration) {
        let (target, method, deadline) = (&ObjectId::Front, "method", Some(deadline));
        let mut calling = Calling {
            target,
            method,
            signature: None,
            count: 0,
            keywords: false,
            block: None,
            deadline,
            promise: None,
            body: &mut Vec::new(),
            tail: None,
            shapes: 0,
            references: false,
        };
        protocol.call(&mut calling, Instant::now, None).unwrap();
    }

    fn transmit(protocol: &mut Protocol) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(protocol.transmit(&mut out, usize::MAX, Instant::now).is_none());
        out
    }

    /// One side that rests for ten seconds, and a call that comes then. Another one has come before, with the method's
    /// name.
    fn rests(holds: bool) -> (Protocol, Vec<u8>, Waker) {
        let [mut peer, mut own] =
            [(); 2].map(|()| Protocol::new(&Arc::new(Limits::default()), Arc::new(Tables::new())));
        call(&mut peer, SECOND);
        let first = transmit(&mut peer);
        serve(&mut own, &first[PREAMBLE.len()..]);
        transmit(&mut own);
        let task = task();
        own.watch(&Context::from_waker(&task));
        own.rest(Instant::now() + 10 * SECOND, holds);
        call(&mut peer, SECOND);
        (own, transmit(&mut peer), task)
    }

    /// Takes what has come, and answers the calls.
    fn serve(own: &mut Protocol, mut frames: &[u8]) {
        let mut called = None;
        own.awake(Instant::now());
        loop {
            let taken = match own.receive(frames, Instant::now(), &mut called).unwrap() {
                Received::Call(taken) => {
                    own.answer(0, true, &mut vec![0xc0], &mut Sending::default(), false);
                    taken
                }
                Received::Nothing(taken) => taken,
                _ => return,
            };
            frames = &frames[taken..];
        }
    }

    #[test]
    fn calls_that_are_answered_at_once_change_nothing_about_when_it_wakes() {
        for holds in [true, false] {
            let (mut own, frames, task) = rests(holds);
            let rests_on = |own: &mut Protocol| own.rest_on(&Context::from_waker(&task));
            for _ in 0..3 {
                serve(&mut own, &frames);
                assert!(!rests_on(&mut own), "the answer is to be sent");
                transmit(&mut own);
                assert_eq!(rests_on(&mut own), holds);
            }
        }
    }

    #[test]
    fn whatever_else_comes_does() {
        let changes: [fn(&mut Protocol, &[u8]); 8] = [
            |own, _| serve(own, &[Kind::Ping.byte(), 0, 0, 0]),
            |own, _| serve(own, &[Kind::Call.byte() | MORE, 0, 0, 2, 9, 0]),
            |own, frames| {
                let mut references = frames.to_vec();
                references[0] |= frame::REFERENCES;
                serve(own, &references);
            },
            |own, frames| _ = own.receive(frames, Instant::now(), &mut None).unwrap(),
            |own, _| call(own, SECOND),
            |own, _| {
                call(own, SECOND);
                own.awake(Instant::now());
            },
            |own, _| own.leave(),
            |own, frames| {
                serve(own, frames);
                own.watch(&Context::from_waker(&task()));
            },
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let (mut own, frames, task) = rests(true);
            change(&mut own, &frames);
            transmit(&mut own);
            assert!(!own.rest_on(&Context::from_waker(&task)), "{at}");
        }
        // But not a call of its own that has more time than that.
        let (mut own, frames, task) = rests(true);
        call(&mut own, 60 * SECOND);
        serve(&mut own, &frames);
        transmit(&mut own);
        assert!(own.rest_on(&Context::from_waker(&task)));
    }

    #[test]
    fn whoever_is_to_be_woken_is_the_one_who_rests() {
        let (mut own, _, first) = rests(true);
        assert!(!own.rest_on(&Context::from_waker(&task())));
        assert!(own.rest_on(&Context::from_waker(&first)));
    }
}
