//! One connection of a server: reads requests, runs them one after the other, writes replies.

use super::{FailedCall, ServerSession, Shared, seats::Seat};
use crate::{
    Context, Current, Exception, Limit, Limits, Session,
    dispatch::{Completed, Invoked, Reply},
    net::Stream,
    ruby::{Receiver, RequestHead, RequestReader},
    spin::Spin,
    timer::{Timer, now},
    wait::{self, Ended},
};
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
};
use tokio::time::Instant;

/// Replies to calls that came in one piece go out in one piece, up to so many bytes.
const BATCH: usize = 64 << 10;

/// Buffers that a large message has made larger than this are given back.
const KEEP: usize = 128 << 10;

/// What of the memory for requests each connection has free; see
/// [`Limits::buffered`](crate::Limits::buffered).
const FREE: usize = 64 << 10;

pub(super) struct Connection {
    stream: Stream,
    shared: Arc<Shared>,
    context: Context,
    session: Arc<dyn Session>,
    /// The call that is being served. As long as nobody else holds it, it serves for the next one.
    current: Arc<Current>,
    /// Its place among those of its peer.
    seat: Arc<Seat>,
    timer: Timer,
    spin: Spin,
    reader: RequestReader,
    /// What has arrived; `taken` bytes of it are served.
    input: Vec<u8>,
    taken: usize,
    /// Since when calls are served in this turn.
    began: Option<std::time::Instant>,
    /// How many were since it was last looked how long that takes.
    served: u32,
    /// What of the input's memory the server has accounted for.
    charged: usize,
    /// By when a message that has begun has to have got on, and where it was before.
    progress: Option<(Instant, usize)>,
    /// Replies that are to be sent.
    output: Vec<u8>,
    /// For the next reply.
    reply: Option<Reply>,
}

/// A connection ends, maybe because the peer has exceeded a bound.
struct End(Option<Limit>);

impl Connection {
    pub(super) fn new(
        stream: Stream,
        shared: Arc<Shared>,
        context: Context,
        seat: Arc<Seat>,
        timer: Timer,
        input: Vec<u8>,
    ) -> Self {
        let session: Arc<dyn Session> = Arc::new(ServerSession {
            shared: Arc::clone(&shared),
            uri: context.uri().into(),
            holder: context.peer().holder(),
        });
        Self {
            reader: RequestReader::new(&shared.limits),
            spin: Spin::new(shared.limits.spin, &stream),
            stream,
            shared,
            context,
            current: Arc::new(Current::new(Arc::clone(&session))),
            session,
            seat,
            timer,
            input,
            taken: 0,
            began: None,
            served: 0,
            charged: 0,
            progress: None,
            output: Vec::new(),
            reply: None,
        }
    }

    fn new_reply(&self) -> Reply {
        let session = Some(Arc::clone(&self.session));
        Reply::new(self.context.wire(), &self.shared.limits, session)
    }

    /// Tells the peer why it is not let in.
    pub(super) async fn turn_away(mut self, exception: Exception) {
        let _: Result<(), End> = self.refuse(exception).await;
    }

    pub(super) async fn run(mut self) {
        if let Err(End(Some(limit))) = self.serve().await {
            self.shared.refused(self.context.peer(), self.context.identity(), Some(limit));
        }
    }

    async fn serve(&mut self) -> Result<(), End> {
        loop {
            match self.reader.advance(self.input.get(self.taken..).unwrap_or_default()) {
                Ok(Some(request)) => {
                    let began = now();
                    self.call(&request, began).await?;
                    self.taken += request.len;
                    self.progress = None;
                    let began = *self.began.get_or_insert(began);
                    self.served += 1;
                    if self.served >= self.seat.calls() {
                        self.served = 0;
                        if self.seat.has_served(began) && self.taken < self.input.len() {
                            self.flush().await?;
                            self.seat.turn().await;
                            self.began = None;
                        }
                    }
                }
                Ok(None) => {
                    self.flush().await?;
                    if self.seat.stopper.stops() && self.taken == self.input.len() {
                        return Err(End(None));
                    }
                    self.fill().await?;
                }
                Err(broken) => return self.refuse(broken.exception).await,
            }
        }
    }

    /// Runs one call. A failed one is the last of its connection, as with Ruby.
    async fn call(&mut self, request: &RequestHead, now: std::time::Instant) -> Result<(), End> {
        let message = self.input.get(self.taken..).unwrap_or_default();
        let reply = self.reply.take().unwrap_or_else(|| self.new_reply());
        let receiver = Receiver {
            objects: &self.shared.objects,
            context: &self.context,
            session: &self.session,
            limits: &self.shared.limits,
        };
        if Arc::get_mut(&mut self.current).is_none() {
            self.current = Arc::new(Current::new(Arc::clone(&self.session)));
        }
        let current = Arc::clone(&self.current);
        let completed = match current.enter(|| receiver.serve(request, message, reply, now)) {
            Invoked::Done(completed) => completed,
            Invoked::Running(mut running) => {
                let mut poll = |context: &mut task::Context<'_>| {
                    current.enter(|| Pin::new(&mut running).poll(context))
                };
                let first = poll_fn(|context| Poll::Ready(poll(context)));
                match first.await {
                    Poll::Ready(completed) => completed,
                    Poll::Pending => {
                        // Earlier replies don't wait for it. That the peer is gone is no reason not
                        // to bring the method to its end.
                        let flushed = self.flush().await;
                        let completed = poll_fn(poll).await;
                        flushed?;
                        completed
                    }
                }
            }
            Invoked::Blocking(blocking) => {
                let flushed = self.flush().await;
                let completed =
                    tokio::task::spawn_blocking(move || current.enter(|| blocking.run())).await;
                flushed?;
                // It fails only where the runtime ends.
                completed.map_err(|_| End(None))?
            }
        };
        self.reply(completed, Some(&request.method)).await
    }

    async fn reply(&mut self, mut completed: Completed, method: Option<&str>) -> Result<(), End> {
        match self.output.is_empty() {
            true => std::mem::swap(&mut self.output, completed.bytes()),
            false => self.output.extend_from_slice(completed.bytes()),
        }
        if let Some(exception) = completed.failure() {
            let context = &self.context;
            self.shared.failed(&FailedCall { context, method, exception });
            self.flush().await?;
            wait::linger(&mut self.stream, &mut self.input).await;
            return Err(End(None));
        }
        self.reply = Some(completed.into_reply());
        if self.output.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// What arrived is no request.
    async fn refuse(&mut self, exception: Exception) -> Result<(), End> {
        let refusal = self.new_reply().refusal(exception);
        self.reply(refusal, None).await
    }

    async fn flush(&mut self) -> Result<(), End> {
        let mut rest = self.output.as_slice();
        while !rest.is_empty() {
            // A peer that reads slowly but steadily is not given up.
            let least = rest.len().min(BATCH);
            let until = Instant::now() + self.shared.limits.stall;
            let write = wait::write(&mut self.stream, rest, least, &mut self.timer, Some(until));
            let written = write.await.map_err(|ended| match ended {
                Ended::TimedOut => End(Some(Limit::Stall)),
                Ended::Io(_) => End(None),
            })?;
            rest = rest.get(written..).unwrap_or_default();
        }
        wait::clear(&mut self.output, KEEP);
        Ok(())
    }

    /// Reads more of the message that has begun, or the beginning of the next one.
    async fn fill(&mut self) -> Result<(), End> {
        self.forget_taken();
        self.began = None;
        let Limits { idle, stall, .. } = *self.shared.limits;
        let now = Instant::now();
        let until = if self.input.is_empty() {
            self.progress = None;
            wait::clear(&mut self.input, KEEP);
            now + idle
        } else {
            self.progress.get_or_insert((now + stall, self.input.len())).0
        };
        wait::make_room(&mut self.input, self.reader.needs());
        if !self.charge() {
            return self.refuse(overloaded(&self.shared.limits)).await;
        }
        match self.read(until).await {
            Ok(0) => self.closed().await,
            Ok(_) => Ok(()),
            Err(Ended::TimedOut) => self.check_progress(),
            Err(Ended::Io(_)) => Err(End(None)),
        }
    }

    /// Accounts for the memory of the request, and says whether the server has so much to spare.
    fn charge(&mut self) -> bool {
        let held = self.input.capacity().saturating_sub(FREE);
        let fits = self.shared.buffer(self.charged, held);
        if !fits {
            // What it takes to read the rest and forget it is not counted.
            self.input = Vec::new();
            self.shared.buffer(self.charged, 0);
        }
        self.charged = if fits { held } else { 0 };
        fits
    }

    /// Time is up: for a connection without a call at once, for a message that comes too slowly.
    fn check_progress(&mut self) -> Result<(), End> {
        if self.seat.stopper.stops() && self.progress.is_none() {
            return Err(End(None));
        }
        let Limits { stall, progress, .. } = *self.shared.limits;
        let (until, before) = self.progress.as_mut().ok_or(End(Some(Limit::Idle)))?;
        if ((self.input.len() - *before) as f64) < progress as f64 * stall.as_secs_f64() {
            return Err(End(Some(Limit::Progress)));
        }
        *before = self.input.len();
        *until = Instant::now() + stall;
        Ok(())
    }

    async fn read(&mut self, until: Instant) -> Result<usize, Ended> {
        let may_stop = self.input.is_empty();
        poll_fn(|context| {
            if let Poll::Ready(result) = self.poll_read(context) {
                self.spin.came(Instant::now);
                return Poll::Ready(result.map_err(Ended::Io));
            }
            // What has arrived is read before anything else happens.
            if self.seat.waits() {
                return Poll::Pending;
            }
            if may_stop && self.seat.stopper.poll(context).is_ready() {
                return Poll::Ready(Err(Ended::TimedOut));
            }
            if self.timer.poll(until, context).is_ready() {
                return Poll::Ready(Err(Ended::TimedOut));
            }
            self.spin.wait(context);
            Poll::Pending
        })
        .await
    }

    /// Reads once. Where turns are taken, what is read is one large message or a few small ones.
    fn poll_read(&mut self, context: &mut task::Context<'_>) -> Poll<io::Result<usize>> {
        if !self.seat.takes_turns() {
            return self.spin.poll_read(&mut self.stream, &mut self.input, context);
        }
        ready!(self.stream.poll_readable(context));
        ready!(self.seat.poll_turn(context));
        let most = self.reader.needs().saturating_sub(self.input.len()).max(wait::CHUNK);
        wait::poll_read_some(&mut self.stream, &mut self.input, most, context)
    }

    /// The peer sends no more. If it stopped within a frame, it is told so, as by Ruby.
    async fn closed(&mut self) -> Result<(), End> {
        match self.reader.closed(&self.input) {
            Some(broken) => self.refuse(broken.exception).await,
            None => Err(End(None)),
        }
    }

    fn forget_taken(&mut self) {
        if self.taken == self.input.len() {
            self.input.clear();
        } else if self.taken > 0 {
            self.input.drain(..self.taken);
        }
        self.taken = 0;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.buffer(self.charged, 0);
    }
}

/// All connections together hold as much as the server allows. The peer may try again.
fn overloaded(limits: &Limits) -> Exception {
    let name = Limit::Buffered.name();
    let message = format!("the server exceeds the limit `{name}` of {}", limits.buffered);
    Exception::new("DRb::DRbConnError", message).with("limit", name)
}
