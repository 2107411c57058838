//! Moves the bytes of one connection: what arrives goes to the protocol, what the protocol has to
//! say goes out.

use super::{
    Serving,
    greeting::is_tls,
    output::{KEEP, Output},
    progress::Progress,
    running::Running,
};
use crate::{
    Limit, LoadErrorKind, TlsProblem,
    net::Stream,
    server::{Seat, discard},
    spin::Spin,
    timer::{Timer, now},
    wait,
};
use drb_core::{
    Limits,
    native::{BEHIND, Connection, PREAMBLE, Protocol, Received, Stage},
};
use std::{
    hint::cold_path,
    io,
    pin::Pin,
    sync::{Arc, MutexGuard},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::{io::AsyncWrite, time::Instant};

/// So often is read and written before others have their turn.
const TURNS: usize = 2;

/// How long a peer to which nothing can be written is listened to at most: what it has said last may have arrived,
/// such as which calls it has taken.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A connection and its socket, for both directions.
pub(crate) struct Driver {
    connection: Arc<Connection>,
    stream: Stream,
    serving: Serving,
    /// Its place among those of its peer, in a server: it takes turns with others, and ends when the server does, with
    /// the last call that runs.
    seat: Option<Arc<Seat>>,
    stopping: bool,
    input: Vec<u8>,
    /// How many bytes the next frame takes at least.
    needs: usize,
    /// Whether bytes of a large string are to come before the next frame.
    in_string: bool,
    /// Whether all was read that there was a moment ago.
    drained: bool,
    /// Whether frames have arrived that are left for the next turn.
    left: bool,
    /// Whether all that has come makes no difference to when something is to be done next.
    rests_on: bool,
    /// Whether what is to be sent was left for the next turn, so that callers go first who have just got answers.
    put_off: bool,
    /// Whether something large was written since it was read last, which takes its time.
    took_time: bool,
    greeted: bool,
    output: Output,
    /// Whether something was written since the last flush.
    unflushed: bool,
    timer: Timer,
    spin: Spin,
    /// Since when nothing can be written, although there is something.
    stalled: Option<Instant>,
    /// Since when nothing can be written any more. Then it is read to the end, and no calls are taken.
    failed: Option<Instant>,
    /// How much the peer has taken of large messages while more of them waits for that, and since when.
    held_up: Option<(u64, Instant)>,
    /// When something has arrived last, and whether the peer was asked since whether it is there.
    heard: Instant,
    asked: bool,
    /// When it was asked last.
    pinged: Option<Instant>,
    progress: Progress,
}

/// A connection ends, maybe because the peer has exceeded a bound or hasn't followed the protocol, which it is
/// told.
#[derive(Default)]
pub(super) struct End {
    limit: Option<Limit>,
    why: Option<String>,
}

impl End {
    /// The peer has exceeded a bound of time.
    fn late(limit: Limit) -> Self {
        Self { limit: Some(limit), why: Some(format!("the limit `{limit}` is exceeded")) }
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::default()
    }
}

impl From<crate::LoadError> for End {
    fn from(error: crate::LoadError) -> Self {
        match error.kind() {
            LoadErrorKind::Limit { limit, max } => {
                let why = format!("the limit `{limit}` of {max} is exceeded");
                Self { limit: Some(*limit), why: Some(why) }
            }
            _ => Self { limit: None, why: Some(error.to_string()) },
        }
    }
}

impl Driver {
    /// `input` is what has already been read.
    pub(crate) fn new(
        connection: Arc<Connection>,
        stream: Stream,
        serving: Serving,
        timer: Timer,
        input: Vec<u8>,
        seat: Option<Arc<Seat>>,
    ) -> Self {
        let spin = Spin::new(connection.limits().spin, &stream);
        Self {
            connection,
            stream,
            serving,
            seat,
            stopping: false,
            input,
            needs: PREAMBLE.len(),
            in_string: false,
            drained: false,
            left: false,
            rests_on: false,
            put_off: false,
            took_time: false,
            greeted: false,
            output: Output::default(),
            unflushed: false,
            timer,
            spin,
            stalled: None,
            failed: None,
            held_up: None,
            heard: Instant::now(),
            asked: false,
            pinged: None,
            progress: Progress::default(),
        }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The methods that run.
    pub(super) fn running(&self) -> Arc<Running> {
        self.serving.running()
    }

    /// Goes on until the connection has ended.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        // Something else may have woken it.
        self.rests_on = false;
        if !self.greeted {
            cold_path();
            // What has been read before this has begun.
            self.take_frames(now(), context)?;
        }
        for _ in 0..TURNS {
            if self.failed.is_none() && (!self.has_written() || self.keeps_others_waiting()) {
                self.write(context).unwrap_or_else(|_| self.fail());
            }
            match self.read(context) {
                Poll::Ready(read) => read?,
                Poll::Pending => match self.wait(context) {
                    Poll::Ready(waited) => waited?,
                    Poll::Pending => {
                        self.spin(context);
                        return Poll::Pending;
                    }
                },
            }
            if self.put_off {
                break;
            }
        }
        if self.ends_all_the_same(context) {
            return Poll::Ready(Err(End::default()));
        }
        // Whoever has got an answer, or calls, may be waiting for this thread.
        match &self.seat {
            Some(seat) => seat.go_on(context),
            None => context.waker().wake_by_ref(),
        }
        Poll::Pending
    }

    /// Looks once more before the thread sleeps, if it is the peer that is waited for.
    fn spin(&mut self, context: &Context<'_>) {
        let waits_for_turn = self.seat.as_ref().is_some_and(|seat| seat.waits());
        if self.output.is_written() && !waits_for_turn && !self.left {
            self.spin.wait(context);
        }
    }

    /// Nothing can be written any more.
    fn fail(&mut self) {
        (self.failed, self.stalled) = (Some(Instant::now()), None);
        self.serving.stop();
        self.connection.reach(Stage::Over);
        self.connection.protocol().shut(self.output.is_unwritten());
    }

    /// Whether all that was fetched has gone out.
    fn has_written(&self) -> bool {
        self.output.is_written() && !self.unflushed
    }

    /// Whether there is something to be sent, and the core would go to others before that is found.
    fn keeps_others_waiting(&self) -> bool {
        self.spin.yields() && self.connection.protocol().has_to_transmit()
    }

    /// Writes all that can be written.
    fn write(&mut self, context: &mut Context<'_>) -> Result<(), End> {
        loop {
            if self.output.is_written() {
                self.output.fetch(&mut self.connection.protocol());
                if self.output.is_written() {
                    return self.flush(context);
                }
            }
            match self.output.poll_write(&mut self.stream, context) {
                Poll::Ready(written) => {
                    written?;
                    self.unflushed = true;
                    self.stalled = None;
                    self.spin.went();
                    if self.output.is_written() {
                        // Where small messages go between, what has come meanwhile comes before the next piece.
                        self.took_time = !self.output.was_all()
                            && self.connection.protocol().lets_small_between();
                        // Whoever has had more to send meanwhile is seen before this waits.
                        if self.took_time || self.output.was_all() {
                            return self.flush(context);
                        }
                    }
                }
                Poll::Pending => {
                    cold_path();
                    self.stalled.get_or_insert_with(Instant::now);
                    return Ok(());
                }
            }
        }
    }

    /// Sends what the protocol has to be sent, which isn't kept meanwhile, and says whether that was all. It doesn't wait.
    pub(super) fn send(&mut self, mut protocol: MutexGuard<'_, Protocol>) -> bool {
        if self.failed.is_some() {
            return false;
        }
        if self.output.is_written() {
            self.output.fetch(&mut protocol);
        }
        drop(protocol);
        // Where that waits, or there is more of what is large, the task goes on with it.
        let written = self.write(&mut Context::from_waker(Waker::noop()));
        written.is_ok() && self.has_written() && !self.took_time
    }

    /// Whether nobody needs the connection any more, also not for what still runs, and nothing is left to be sent.
    pub(super) fn is_left(&self) -> bool {
        let protocol = self.connection.protocol();
        let is_needed = !protocol.is_left() || protocol.is_needed();
        let is_done = !self.left && self.has_written();
        !is_needed && is_done && protocol.waiting() == 0
    }

    /// Sockets keep nothing back, but a transport of the program's may.
    fn flush(&mut self, context: &mut Context<'_>) -> Result<(), End> {
        if self.unflushed {
            match Pin::new(&mut self.stream).poll_flush(context) {
                Poll::Ready(flushed) => {
                    flushed?;
                    self.unflushed = false;
                    self.stalled = None;
                }
                Poll::Pending => {
                    cold_path();
                    self.stalled.get_or_insert_with(Instant::now);
                }
            }
        }
        Ok(())
    }

    /// Reads once, and takes the frames that are there.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        // A peer that reads nothing is not to make this process hold more and more for it. Calls are
        // refused then; but what says that they are has to be held as well.
        if self.stalled.is_some() && self.connection.protocol().is_crowded_out() {
            cold_path();
            if let Some(seat) = &self.seat {
                seat.give_up();
            }
            return Poll::Pending;
        }
        if let Some(seat) = &self.seat
            && self.left
        {
            ready!(seat.poll_turn(context));
            return Poll::Ready(self.take_frames(now(), context));
        }
        // Who takes turns, or has just read all that there was, waits for more before it makes ready to read; unless
        // the runtime hasn't looked for it since.
        let looks = std::mem::take(&mut self.took_time);
        let drained = std::mem::take(&mut self.drained) && !looks && !self.spin.yields();
        let turns = self.seat.as_ref().filter(|seat| seat.takes_turns());
        if drained || turns.is_some() {
            ready!(self.stream.poll_readable(context));
        }
        if let Some(seat) = turns {
            ready!(seat.poll_turn(context));
        }
        match ready!(self.read_once(looks, context)) {
            Ok(0) => {
                cold_path();
                // The peer may be the first one to end what was found to be needed by nobody.
                let limit = self.connection.protocol().is_idle().then_some(Limit::Idle);
                return Poll::Ready(Err(End { limit, why: None }));
            }
            Ok(read) => self.progress.read(read),
            Err(error) => {
                cold_path();
                self.connection.broken(error);
                return Poll::Ready(Err(End::default()));
            }
        }
        self.heard = Instant::now();
        self.spin.came(|| self.heard);
        self.asked = false;
        Poll::Ready(self.take_frames(self.heard.into_std(), context))
    }

    fn read_once(&mut self, looks: bool, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let lent = match self.input.is_empty() && self.in_string {
            true => self.connection.protocol().lend(),
            false => None,
        };
        let Some((mut memory, most)) = lent else {
            wait::make_room(&mut self.input, self.needs);
            let room = self.input.capacity() - self.input.len();
            if looks && let Some(read) = wait::read_now(&self.stream, &mut self.input) {
                return Poll::Ready(Ok(read));
            }
            let read = ready!(self.spin.poll_read(&mut self.stream, &mut self.input, context));
            self.drained = read.as_ref().is_ok_and(|read| *read < room);
            return Poll::Ready(read);
        };
        let before = memory.len();
        let read = wait::poll_read_some(&mut self.stream, &mut memory, most + BEHIND, context);
        // What comes behind the string's bytes are the next frames.
        let end = memory.len().min(before + most);
        self.input.extend_from_slice(memory.get(end..).unwrap_or_default());
        memory.truncate(end);
        self.connection.protocol().lent(memory, end - before);
        read
    }

    /// Takes the frames that are there, or as many of them as a turn is long that has begun at this time.
    fn take_frames(&mut self, began: std::time::Instant, context: &Context<'_>) -> Result<(), End> {
        (self.left, self.rests_on) = (false, false);
        let put_off = std::mem::take(&mut self.put_off);
        let mut taken = 0;
        if !self.greeted {
            cold_path();
            if is_tls(&self.input) {
                self.connection.broken(io::Error::other(TlsProblem::OnlyTls));
            }
            let Some(greeting) = self.input.get(..PREAMBLE.len()) else {
                return if PREAMBLE.starts_with(&self.input) {
                    Ok(())
                } else {
                    Err(End::default())
                };
            };
            if greeting != PREAMBLE {
                return Err(End::default());
            }
            self.greeted = true;
            taken = PREAMBLE.len();
        }
        let now = self.heard.into_std();
        // For each call this is to be cheap.
        let look = self.seat.as_ref().map_or(u32::MAX, |seat| seat.calls());
        let mut served = 0;
        let mut protocol = self.connection.protocol();
        protocol.awake(began);
        let large = protocol.large();
        loop {
            let rest = self.input.get(taken..).unwrap_or_default();
            if rest.is_empty() && protocol.is_between_frames() {
                (self.needs, self.in_string) = (1, false);
                break;
            }
            let mut locked = None;
            {
                // Where it is dropped, nothing is locked, unless it has nothing whose destructors could run.
                let mut called = None;
                match protocol.receive(rest, now, &mut called)? {
                    Received::Needs(needs) => {
                        (self.needs, self.in_string) = (needs, false);
                        break;
                    }
                    Received::Large => {
                        cold_path();
                        (self.needs, self.in_string) = (1, true);
                        break;
                    }
                    Received::Nothing(len) => {
                        taken += len;
                        continue;
                    }
                    Received::Call(len) => {
                        drop(protocol);
                        taken += len;
                        if let Some(called) = &called {
                            locked = self.serving.call(&self.connection, called, now);
                            served += 1;
                        }
                    }
                    Received::Refused(len, id, exception) => {
                        cold_path();
                        drop(protocol);
                        taken += len;
                        self.serving.refuse(&self.connection, id, *exception);
                    }
                    Received::Cancelled(len, id) => {
                        cold_path();
                        drop(protocol);
                        taken += len;
                        self.serving.cancel(&self.connection, id);
                    }
                }
            }
            let mut is_over = false;
            if served == look {
                cold_path();
                drop(locked.take());
                is_over = self.seat.as_ref().is_some_and(|seat| seat.has_served(began));
                served = 0;
            }
            protocol = locked.unwrap_or_else(|| self.connection.protocol());
            // Who gives much has taken its time: what others wait for goes out before the next one runs.
            if is_over || self.seat.is_some() && protocol.large() > large {
                self.left = taken < self.input.len();
                break;
            }
        }
        if self.output.is_written() && self.failed.is_none() {
            // But only once: something has to get on.
            self.put_off = !put_off && protocol.lets_callers_go_first();
            // What is said last goes out in one piece with what was said before.
            if !self.put_off && protocol.has_to_transmit() {
                self.output.fetch(&mut protocol);
            }
            // Nothing is to be done before its timer goes off, which hasn't.
            let rests = taken == self.input.len() && self.output.was_all() && !self.stopping;
            let rests = rests && self.timer.is_ahead(began.into());
            self.rests_on = rests && protocol.rest_on(context);
        }
        let left = match protocol.has_left_something() {
            true => Some((protocol.take_dropped(), protocol.take_gone())),
            false => None,
        };
        if protocol.has_gone_away() {
            cold_path();
            self.connection.reach(Stage::Over);
        }
        drop(protocol);
        if taken == self.input.len() {
            wait::clear(&mut self.input, KEEP);
        } else {
            cold_path();
            self.input.drain(..taken);
        }
        if let Some((dropped, gone)) = left {
            cold_path();
            discard(dropped);
            gone.tell();
        }
        Ok(())
    }

    /// This is the end. Tells why, if that can be written to the peer at once.
    pub(super) fn ended_by(&mut self, End { limit, why }: End) {
        if let Some(why) = why {
            self.close(&why);
        }
        if let Some(limit) = limit {
            self.serving.ended_by(limit);
        }
    }

    fn close(&mut self, why: &str) {
        self.connection.protocol().close(why);
        let mut nobody = Context::from_waker(Waker::noop());
        // What has been fetched before goes before it.
        let written = self.write(&mut nobody);
        if written.is_ok() && self.output.is_written() {
            _ = self.write(&mut nobody);
        }
    }

    /// Whether the server has been stopped.
    fn is_stopped(&self) -> bool {
        self.seat.as_ref().is_some_and(|seat| seat.stopper.stops())
    }

    /// Takes no further calls, if the server has just been stopped.
    fn stops(&mut self, context: &mut Context<'_>) -> bool {
        let stops = !self.stopping
            && self.seat.as_ref().is_some_and(|seat| seat.stopper.poll(context).is_ready());
        if stops {
            self.stopping = true;
            self.serving.stop();
            self.connection.protocol().go_away();
        }
        stops
    }

    /// Whether the server has been stopped and no method runs, although more and more arrives, so that this never waits.
    fn ends_all_the_same(&mut self, context: &mut Context<'_>) -> bool {
        if self.stops(context) || !self.stopping || self.serving.poll_idle(context).is_pending() {
            return false;
        }
        if self.failed.is_some() {
            return true;
        }
        let written = self.write(context).is_ok() && self.has_written();
        written && self.connection.protocol().waiting() == 0
    }

    /// Waits for something to send, which it fetches, or for the time at which something is to be done.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        if std::mem::take(&mut self.rests_on) && self.has_written() && !self.is_stopped() {
            return Poll::Pending;
        }
        if self.stops(context) {
            return Poll::Ready(Ok(()));
        }
        let Limits { keepalive, pings, stall, .. } = **self.connection.limits();
        // Nothing is looked for that could be written, if nothing can.
        let can_write = self.failed.is_none();
        // The answers come before.
        let finished = self.stopping && self.serving.poll_idle(context).is_ready();
        let all_written = can_write && self.output.is_written();
        let silent = match self.pinged {
            Some(pinged) if self.asked => pinged + keepalive * 2,
            // Peers want pings at some distance from each other.
            Some(pinged) => (self.heard + keepalive).max(pinged + pings * 2),
            None => self.heard + keepalive,
        };
        let (until, receives) = {
            let mut protocol = self.connection.protocol();
            // Calls may have waited for what other tasks have done.
            if protocol.has_work() {
                cold_path();
                drop(protocol);
                return Poll::Ready(self.take_frames(now(), context));
            }
            if !all_written {
                // While a write waits, there is no use in more to write. But a new call may be the
                // next one whose time is up.
                protocol.watch(context);
            } else if protocol.poll_transmit(context).is_ready() {
                self.put_off = false;
                self.output.fetch(&mut protocol);
                return Poll::Ready(Ok(()));
            }
            if all_written && !self.left && protocol.waiting() == 0 {
                if protocol.is_left() || finished {
                    cold_path();
                    return Poll::Ready(Err(End::default()));
                }
                if protocol.is_idle() {
                    cold_path();
                    // What the peer may call all the same, it knows not to have been made.
                    protocol.go_away();
                    return Poll::Ready(Err(End::late(Limit::Idle)));
                }
            }
            self.held_up = protocol.held_up().map(|taken| match self.held_up {
                Some((before, since)) if before == taken => (taken, since),
                _ => (taken, Instant::now()),
            });
            let wakes_at = protocol.wakes_at(now);
            let until = wakes_at.map_or(silent, |wakes_at| silent.min(wakes_at.into()));
            let receives = protocol.is_receiving();
            if all_written {
                let holds = !receives && self.held_up.is_none() && !self.asked && !self.stopping;
                protocol.rest(until.into_std(), holds && self.input.is_empty());
            }
            (until, receives)
        };
        // As long as nothing can be written, it may be that nothing is read.
        let partial = (receives || !self.input.is_empty() && !self.left) && self.stalled.is_none();
        let late = self.progress.until(partial, self.connection.limits());
        let held_up = self.held_up.map(|(_, since)| since);
        let since = [self.stalled, held_up].into_iter().flatten().min();
        let stalled = since.map(|since| since + stall);
        let last = self.failed.map(|since| since + LAST_WORDS);
        let until = [stalled, late, last].into_iter().flatten().fold(until, Instant::min);
        ready!(self.timer.poll(until, context));
        cold_path();
        let now = Instant::now();
        // Until the peer has greeted, no frames are taken that would do so.
        let dropped = {
            let mut protocol = self.connection.protocol();
            protocol.expire(now.into_std());
            protocol.take_dropped()
        };
        discard(dropped);
        if last.is_some_and(|end| now >= end) {
            return Poll::Ready(Err(End::default()));
        }
        if stalled.is_some_and(|end| now >= end) {
            return Poll::Ready(Err(End::late(Limit::Stall)));
        }
        if late.is_some_and(|end| now >= end) {
            return Poll::Ready(Err(End::late(Limit::Progress)));
        }
        if now >= silent {
            if self.asked {
                return Poll::Ready(Err(End::late(Limit::Keepalive)));
            }
            (self.asked, self.pinged) = (true, Some(now));
            self.connection.protocol().ping();
        }
        Poll::Ready(Ok(()))
    }
}

/// However it ends, nobody waits for an answer in vain.
impl Drop for Driver {
    fn drop(&mut self) {
        self.connection.reach(Stage::Over);
        let unwritten = self.output.is_unwritten();
        let (dropped, gone) = {
            let mut protocol = self.connection.protocol();
            if self.failed.is_none() {
                protocol.shut(unwritten);
            }
            protocol.end();
            (protocol.take_dropped(), protocol.take_gone())
        };
        self.serving.end();
        discard(dropped);
        gone.tell();
    }
}
