//! The side of a stream that has the items: an object of this process, whose reference is what travels.

use super::{
    NEXT_ITEMS,
    outlet::{Ask, Exchange, Got, Outlet, Slot},
};
use crate::{
    Block, Error, Exception, Returns, Value,
    dispatch::{Completed, Dispatch, Incoming, Invoked, MethodInfo, ParamInfo, ParamKind, Reply},
};
use std::{
    collections::BTreeMap,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// A stream as an object. Its reader asks for one batch after the other; nothing runs ahead of that.
///
/// It goes with its last reference: then its stream is dropped.
pub(crate) struct Source {
    slot: Arc<Slot>,
    state: Mutex<State>,
}

struct State {
    /// What runs the stream; `None` once that is over, and while it is polled.
    run: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Nobody wants further items.
    over: bool,
    /// Which of those who ask is next: they are numbered.
    turn: u64,
    /// The number of the next one who has none.
    free: u64,
    waiting: BTreeMap<u64, Waits>,
    /// How many items the next batch may have.
    most: usize,
}

enum Waits {
    Here(Option<Waker>),
    /// Waits no longer; its turn is skipped.
    Gone,
}

/// One who asks.
struct Turn {
    source: Arc<Source>,
    number: u64,
    ask: Option<Ask>,
    done: bool,
    /// Whether its reader has items that nobody else can get: without it the stream has a gap.
    only: bool,
}

/// The first batch has so few items that a reader who wants but some of them doesn't cost much; each
/// further one may have so many times as many, as far as bytes and time allow: to ask costs more than small items do.
const FIRST: usize = 64;
const GROWTH: usize = 64;
const MOST: usize = 1 << 16;

impl Source {
    /// What `run` gives to the outlet.
    pub(super) fn new<F>(run: impl FnOnce(Outlet) -> F) -> Arc<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (outlet, slot) = Outlet::new();
        let state = State {
            run: Some(Box::pin(run(outlet))),
            over: false,
            turn: 0,
            free: 0,
            waiting: BTreeMap::new(),
            most: FIRST,
        };
        Arc::new(Self { slot, state: Mutex::new(state) })
    }

    /// A stream that is there already.
    pub(super) fn of<S>(stream: S) -> Arc<Self>
    where
        S: futures_core::Stream<Item: Returns> + Send + 'static,
    {
        Self::new(|outlet| outlet.stream(stream))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the method to where it has given its stream.
    fn poll_begin(&self, context: &mut Context<'_>) -> Poll<Result<(), Exception>> {
        let Some(mut run) = self.state().run.take() else { return Poll::Ready(Ok(())) };
        let polled = run.as_mut().poll(context);
        let begun = self.slot.take_begun();
        if polled.is_pending() {
            self.state().run = Some(run);
        }
        match begun {
            Some(begun) => Poll::Ready(begun),
            None => Poll::Pending,
        }
    }

    /// The next batch, which is the one with the number.
    pub(super) fn batch(
        self: &Arc<Self>,
        number: u64,
        reply: Reply,
    ) -> Result<impl Future<Output = Completed> + Send + use<>, Reply> {
        let most = {
            let mut state = self.state();
            if number < state.turn || state.waiting.contains_key(&number) {
                return Err(reply);
            }
            state.waiting.insert(number, Waits::Here(None));
            state.free = state.free.max(number.saturating_add(1));
            let most = state.most;
            state.most = (most * GROWTH).min(MOST);
            most
        };
        let ask = Some(Ask::Batch(reply, most));
        let turn = Turn { source: Arc::clone(self), number, ask, done: false, only: true };
        Ok(turn.reply())
    }

    /// One item, for somebody who comes behind all who are known.
    fn one(self: &Arc<Self>, ask: Ask) -> Turn {
        let mut state = self.state();
        let number = state.free;
        state.free = number.saturating_add(1);
        state.waiting.insert(number, Waits::Here(None));
        Turn { source: Arc::clone(self), number, ask: Some(ask), done: false, only: false }
    }

    /// Nobody wants further items.
    fn end(&self) {
        let mut state = self.state();
        state.over = true;
        let unwanted = state.run.take();
        state.wake_all();
        drop(state);
        // What the stream's destructor does is its own business: nothing is locked.
        drop(unwanted);
    }

    /// Calls the block with one item after the other.
    async fn each(self: Arc<Self>, block: Block<(Value,), Value>) -> Result<(), Error> {
        loop {
            match self.one(Ask::Yield(block.begin())).await {
                Got::Yielded(call) => {
                    block.end(call).no_deadline().await?;
                }
                Got::Raised(exception) => return Err(Error::Raised(exception.into())),
                Got::Over | Got::Replied(_) => return Ok(()),
            }
        }
    }
}

impl Turn {
    async fn reply(self) -> Completed {
        match self.await {
            Got::Replied(completed) => completed,
            // It was not asked for that.
            Got::Yielded(_) | Got::Raised(_) | Got::Over => std::future::pending().await,
        }
    }

    /// It has been its turn: who is next?
    fn advance(&self, state: &mut State) {
        state.waiting.remove(&self.number);
        state.turn = self.number.saturating_add(1);
        while let Some(Waits::Gone) = state.waiting.get(&state.turn) {
            state.waiting.remove(&state.turn);
            state.turn = state.turn.saturating_add(1);
        }
        if let Some(Waits::Here(Some(next))) = state.waiting.get(&state.turn) {
            next.wake_by_ref();
        }
    }
}

impl Future for Turn {
    type Output = Got;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Got> {
        let source = Arc::clone(&self.source);
        let mut state = source.state();
        if state.turn != self.number && !state.over {
            let waker = context.waker().clone();
            state.waiting.insert(self.number, Waits::Here(Some(waker)));
            return Poll::Pending;
        }
        let Some(ask) = self.ask.take() else { return Poll::Pending };
        let Some(mut run) = state.run.take() else {
            self.done = true;
            self.advance(&mut state);
            return Poll::Ready(ask.ended());
        };
        drop(state);
        source.slot.ask(ask);
        let polled = run.as_mut().poll(context);
        let got = source.slot.take();
        let mut state = source.state();
        let (over, mut unwanted) = (polled.is_ready() || state.over, Some(run));
        if over {
            state.over = true;
        } else {
            state.run = unwanted.take();
        }
        let got = match got {
            Exchange::Got(got) => Poll::Ready(got),
            Exchange::Asked(ask) if over => Poll::Ready(ask.ended()),
            Exchange::Asked(ask) => {
                self.ask = Some(ask);
                Poll::Pending
            }
            Exchange::Nothing | Exchange::Begun(_) => Poll::Pending,
        };
        self.done = got.is_ready();
        match got {
            Poll::Ready(_) if state.over => {
                self.advance(&mut state);
                state.wake_all();
            }
            Poll::Ready(_) => self.advance(&mut state),
            Poll::Pending => {}
        }
        drop(state);
        // What the stream's destructor does is its own business: nothing is locked.
        drop(unwanted);
        got
    }
}

impl State {
    fn wake_all(&mut self) {
        for waits in self.waiting.values() {
            if let Waits::Here(Some(waker)) = waits {
                waker.wake_by_ref();
            }
        }
    }
}

/// A reader who doesn't wait for a batch any more is gone, or has lost it: the stream ends.
impl Drop for Turn {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let source = Arc::clone(&self.source);
        let mut state = source.state();
        // Without what it has asked, it has panicked.
        if self.only || self.ask.is_none() {
            state.waiting.remove(&self.number);
            drop(state);
            source.end();
        } else if state.turn == self.number {
            self.advance(&mut state);
        } else {
            state.waiting.insert(self.number, Waits::Gone);
        }
    }
}

static METHODS: [MethodInfo; 3] = [
    MethodInfo { name: "each", params: &[BLOCK], result: "", exclusive: false, no_cancel: false },
    MethodInfo { name: "next", params: &[], result: "Value", exclusive: false, no_cancel: false },
    MethodInfo {
        name: NEXT_ITEMS,
        params: &[NUMBER],
        result: "Vec<Value>",
        exclusive: false,
        no_cancel: false,
    },
];

const BLOCK: ParamInfo =
    ParamInfo { name: "block", kind: ParamKind::Block, ty: "Block<(Value,), Value>" };
const NUMBER: ParamInfo =
    ParamInfo { name: "number", kind: ParamKind::Required, ty: "Option<u64>" };

impl Dispatch for Source {
    fn class(&self) -> &'static str {
        "Stream"
    }

    fn find(&self, name: &str) -> Option<usize> {
        METHODS.iter().position(|method| method.name == name)
    }

    fn method(&self, index: usize) -> Option<&'static MethodInfo> {
        METHODS.get(index)
    }

    fn invoke(self: Arc<Self>, index: usize, call: &mut Incoming<'_>) -> Invoked {
        match METHODS.get(index).map(|method| method.name) {
            Some("each") => {
                let loaded = call.load(|args| {
                    let block = args.block::<(Value,), Value>()?;
                    args.expect(0, 0, false, false)?;
                    Ok(block)
                });
                match loaded {
                    Ok((block, reply)) => {
                        Invoked::run(
                            reply,
                            |reply| async move { reply.result(self.each(block).await) },
                        )
                    }
                    Err(refused) => refused,
                }
            }
            Some("next") => match call.load(|args| args.expect(0, 0, false, false)) {
                Ok(((), reply)) => Invoked::run(reply, |reply| self.one(Ask::One(reply)).reply()),
                Err(refused) => refused,
            },
            Some(_) => {
                let loaded = call.load(|args| {
                    args.expect(1, 0, false, false)?;
                    args.required::<Option<u64>>("number")
                });
                let (number, reply) = match loaded {
                    Ok(loaded) => loaded,
                    Err(refused) => return refused,
                };
                let Some(number) = number else {
                    self.end();
                    return Invoked::Done(reply.result(()));
                };
                let wire = reply.wire();
                match self.batch(number, reply) {
                    Ok(batch) => Invoked::going_on(wire, batch),
                    Err(reply) => Invoked::Done(reply.refusal(Exception::new(
                        "ArgumentError",
                        format!("batch {number} of the stream was asked for before: a stream has one reader"),
                    ))),
                }
            }
            None => call.no_method("Stream"),
        }
    }
}

/// The reply of a method that gives a stream, and the block that its caller has passed.
pub struct StreamReply {
    reply: Reply,
    block: Option<Block<(Value,), Value>>,
}

impl Incoming<'_> {
    /// Like [`Incoming::load`] for a method that gives a stream. Its caller may pass a block, which is then
    /// called with each item.
    ///
    /// # Errors
    /// The finished refusal, which is then what has become of the call.
    pub fn load_stream<T>(
        &mut self,
        load: impl FnOnce(&mut crate::dispatch::Args<'_>) -> Result<T, crate::LoadError>,
    ) -> Result<(T, StreamReply), Invoked> {
        match self.args.optional_block() {
            Ok(block) => {
                self.load(load).map(|(loaded, reply)| (loaded, StreamReply { reply, block }))
            }
            Err(error) => Err(self.refuse((&error).into())),
        }
    }
}

impl Invoked {
    /// The method gives a stream: `run` calls it and gives what it has given to the outlet. Its future owns
    /// what the stream borrows.
    pub fn stream<F>(reply: StreamReply, run: impl FnOnce(Outlet) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let StreamReply { reply, block } = reply;
        let source = Source::new(run);
        Self::run(reply, |reply| async move {
            if let Err(exception) = poll_fn(|context| source.poll_begin(context)).await {
                return reply.failure(exception);
            }
            match block {
                None => reply.success(|dumper| dumper.export(source)),
                Some(block) => reply.result(source.each(block).await),
            }
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReply").finish_non_exhaustive()
    }
}
