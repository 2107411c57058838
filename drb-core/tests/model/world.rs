//! Two processes, the connection between them, and the calls that are under way.

use crate::{
    model,
    op::{Call, Op},
    side::{Clock, Side},
    thing::{Ahead, Answer, Found, Handle, Method, Padding, Process, Refers},
};
use drb_core::{Error, Limits, Link, Loaded, Outcome, Proxy, Reference, Remote, native};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Weak, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

pub(crate) struct World {
    pub(crate) sides: [Side; 2],
    /// What each side has sent and the other one hasn't got.
    pipes: [Vec<u8>; 2],
    pub(crate) calls: Vec<Pending>,
    promises: Vec<Promise>,
    clock: Clock,
    tokens: u64,
    /// What callers were told, by the tokens of their calls.
    told: HashMap<u64, Outcome>,
    /// How often each side has given back what it hasn't got.
    violations: [usize; 2],
}

/// A call that is under way.
pub(crate) struct Pending {
    pub(crate) by: usize,
    pub(crate) block: bool,
    /// How much it refers to while it waits for its object.
    pub(crate) waits_with: usize,
    token: u64,
    method: Method,
    target: Aim,
    deadline: bool,
    call: Pin<Box<dyn Future<Output = Result<Answer, Error>>>>,
}

/// An object that a call is going to give, or has given.
pub(crate) struct Promise {
    pub(crate) by: usize,
    /// That of the call.
    pub(crate) token: u64,
    /// `None` if the program has let go of it.
    pub(crate) remote: Option<Remote>,
    link: Weak<dyn Link>,
    /// Whose method it is, and what it refers to until it is made.
    pub(crate) holds: Vec<Reference>,
    pub(crate) exports: usize,
}

/// Which object a call is for.
#[derive(Clone, Copy)]
enum Aim {
    /// This one, of this era.
    At(u64, u64),
    /// What the call with this token gives.
    Given(u64),
}

/// Small bounds, so that each of them is met. The second side takes smaller messages than the first
/// one sends.
fn limits(side: usize) -> Limits {
    Limits {
        chunk: 200,
        chunk_in: 4000,
        message: if side == 0 { 50_000 } else { 20_000 },
        partial: 2,
        calls: 5,
        promises: 3,
        references: 6,
        exports: 12,
        error_text: 60,
        // Where the model knows nothing of a call: one that is passed on.
        deadline: Duration::from_secs(1000),
        ..Limits::default()
    }
}

impl Promise {
    /// What has been given by now.
    pub(crate) fn given(&self) -> Option<Remote> {
        self.link.upgrade()?.resolved()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Clock::new();
        Self {
            sides: [0, 1].map(|side| Side::new(limits(side), &clock)),
            pipes: Default::default(),
            calls: Vec::new(),
            promises: Vec::new(),
            clock,
            tokens: 0,
            told: HashMap::new(),
            violations: [0; 2],
        }
    }

    pub(crate) fn step(&mut self, op: &Op) {
        match op {
            Op::Call(call) => self.call(call),
            Op::Drop { by, which } => drop(self.take_kept(*by, *which)),
            Op::Clone { by, which } => {
                if let Some(handle) = self.take_kept(*by, *which) {
                    self.sides[*by].process.keep(vec![handle.clone(), handle]);
                }
            }
            Op::Forget { by, which } => {
                let forgotten = take(&mut self.sides[*by].process.lock().own, *which);
                drop(forgotten);
            }
            Op::Revoke { by, which } => {
                let own = self.sides[*by].process.lock().own.clone();
                if let Some(thing) = own.get(which % own.len().max(1)) {
                    self.sides[*by].process.lock().revoked.insert(thing.id);
                    thing.era.fetch_add(1, Ordering::Relaxed);
                    native::revoke(&(Arc::clone(thing) as _));
                }
            }
            Op::Cancel { which } => drop(take(&mut self.calls, *which)),
            Op::Open { by, which } => {
                let mut state = self.sides[*by].process.lock();
                state.waiting.retain(|gate| gate.strong_count() > 0);
                let gate = state.waiting.get(which % state.waiting.len().max(1));
                if let Some(gate) = gate.and_then(Weak::upgrade) {
                    gate.open.store(true, Ordering::Relaxed);
                }
                drop(state);
                self.sides[*by].poll_tasks();
                self.work(*by);
            }
            Op::Transmit { by, most } => self.transmit(*by, *most),
            Op::Deliver { to, bytes } => self.deliver(*to, *bytes),
            Op::Advance(milliseconds) => {
                let sides = || self.sides.iter().filter(|side| !side.ended);
                // The time of what was called begins.
                for side in sides() {
                    side.connection.protocol().wakes_at(|| self.clock.now());
                }
                self.clock.advance(Duration::from_millis(*milliseconds));
                for side in sides() {
                    side.connection.protocol().expire(self.clock.now());
                }
            }
            Op::Hostile { by, slot, generation, count } => {
                self.hostile(*by, *slot, *generation, *count);
            }
            Op::Break { by, promise } => self.break_promise(*by, *promise),
            Op::Renounce { by, which } => {
                let held = |promise: &&mut Promise| promise.by == *by && promise.remote.is_some();
                let mut held: Vec<_> = self.promises.iter_mut().filter(held).collect();
                let at = which % held.len().max(1);
                if let Some(promise) = held.get_mut(at) {
                    promise.remote = None;
                }
            }
            Op::Settle => self.settle(),
            Op::End { by, lose } => self.end(*by, *lose),
        }
    }

    fn take_kept(&self, by: usize, which: usize) -> Option<Handle> {
        take(&mut self.sides[by].process.lock().kept, which)
    }

    fn call(&mut self, op: &Call) {
        let Call { by, method, block, .. } = *op;
        let side = &self.sides[by];
        let held: Vec<_> =
            side.process.lock().kept.iter().filter(|h| h.is_held()).cloned().collect();
        let promises: Vec<_> =
            self.promises(by).filter(|promise| promise.remote.is_some()).collect();
        let at = op.target % (held.len() + promises.len() + 1);
        let (mut target, mut remote) = (Aim::At(self.sides[1 - by].front.id, 0), side.to_front());
        // What the call refers to, and whose method it is.
        let mut holds = Vec::new();
        if let Some(handle) = held.get(at) {
            (target, remote) = (Aim::At(handle.id, handle.era), handle.remote.clone());
            holds.push(handle.reference().clone());
        } else if let Some(Promise { token, remote: Some(promise), holds: its, .. }) =
            promises.get(at.wrapping_sub(held.len()))
        {
            (target, remote) = (Aim::Given(*token), promise.clone());
            holds.extend(its.first().cloned());
        }
        // What passes a block on gives others away.
        let block = block && matches!(target, Aim::At(..));
        let given = op.given.iter().map(|number| side.process.choose(*number));
        let given: Vec<Refers> = given.collect();
        let exports = given.len();
        holds.extend(given.iter().filter_map(|given| match given {
            Refers::Held(handle) if handle.is_held() => Some(handle.reference().clone()),
            _ => None,
        }));
        let waits_with = if let Aim::Given(_) = target { given.len() } else { 0 };
        let token = self.tokens;
        self.tokens += 1;
        // Calls on an object before it is there have an order of their own. And one that is called ahead
        // is made later.
        let way = match target {
            _ if op.ahead => u64::MAX - token,
            Aim::At(..) => 0,
            Aim::Given(token) => token + 1,
        };
        let mut call = remote.begin(method.name(), 6);
        call.arg::<u64>(token);
        call.arg::<u64>(way);
        call.arg::<Vec<u64>>(&op.wanted);
        call.arg::<Vec<Refers>>(given);
        call.arg::<usize>(op.size);
        call.arg::<Padding>(Padding(op.padding));
        let deadline = op.deadline.map(Duration::from_millis);
        if op.ahead {
            let call = call.call::<Loaded<Option<Ahead>>>();
            let ahead: Ahead = match deadline {
                None => call.no_deadline().pipelined(),
                Some(deadline) => call.deadline(deadline).pipelined(),
            };
            let remote = ahead.remote().clone();
            let (link, remote) = (Arc::downgrade(remote.link()), Some(remote));
            return self.promises.push(Promise { by, token, remote, link, holds, exports });
        }
        let call: Pin<Box<dyn Future<Output = _>>> = match (block, deadline) {
            (false, None) => Box::pin(call.call::<Loaded<Answer>>().no_deadline()),
            (false, Some(deadline)) => Box::pin(call.call::<Loaded<Answer>>().deadline(deadline)),
            (true, deadline) => {
                let block = |number: u64| number + 1;
                let call = call.call_with::<_, (u64,), u64, Loaded<Answer>, _, _>(block);
                Box::pin(match deadline {
                    None => call.no_deadline(),
                    Some(deadline) => call.deadline(deadline),
                })
            }
        };
        let deadline = deadline.is_some();
        let pending = Pending { by, block, waits_with, token, method, target, deadline, call };
        self.calls.push(pending);
        self.poll_calls();
    }

    /// Goes on with the calls, and says whether any has ended.
    fn poll_calls(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let before = self.calls.len();
        for mut pending in std::mem::take(&mut self.calls) {
            match pending.call.as_mut().poll(&mut context) {
                Poll::Pending => self.calls.push(pending),
                Poll::Ready(result) => self.ended(&pending, result),
            }
        }
        self.calls.len() < before
    }

    /// A caller is told what has become of its call.
    fn ended(&mut self, pending: &Pending, result: Result<Answer, Error>) {
        let &Pending { by, token, method, target, deadline, .. } = pending;
        let aim = match target {
            Aim::At(id, era) => Some((id, era)),
            Aim::Given(token) => self.found(token).map(|found| (found.id, found.era)),
        };
        let outcome = match result {
            Ok(answer) => {
                let (id, _) = aim.expect("what was never found has no methods");
                assert_eq!(answer.id, id, "{method:?} has reached another object");
                self.sides[by].process.keep(answer.items);
                Outcome::Executed
            }
            Err(error) => {
                match &error {
                    Error::Gone(_) => {
                        let (id, era) = aim.expect("what was never found is not gone");
                        let now = self.processes().find_map(|process| process.era(id));
                        assert_ne!(now, Some(era), "{method:?}: {id} is gone although it is held");
                    }
                    Error::ConnectionLost { .. } => assert!(self.sides[by].ended),
                    Error::DeadlineExceeded { .. } => assert!(deadline),
                    Error::Panicked { .. } => assert_eq!(method, Method::Panic),
                    Error::Unresolved { .. } => assert!(matches!(target, Aim::Given(_))),
                    Error::NoMethod(_) | Error::Protocol { .. } => panic!("{method:?}: {error:?}"),
                    _ => {}
                }
                error.outcome()
            }
        };
        if outcome == Outcome::Executed {
            let ran = self.processes().any(|process| process.lock().runs.contains_key(&token));
            assert!(ran, "{method:?} has not run");
        }
        self.told.insert(token, outcome);
    }

    /// The objects that calls of one side are going to give, or have given, as far as anybody has them.
    pub(crate) fn promises(&self, by: usize) -> impl Iterator<Item = &Promise> {
        let own = self.promises.iter().filter(move |promise| promise.by == by);
        own.filter(|promise| promise.link.strong_count() > 0)
    }

    fn living(&self) -> usize {
        self.promises(0).chain(self.promises(1)).count()
    }

    fn processes(&self) -> impl Iterator<Item = &Arc<Process>> {
        self.sides.iter().map(|side| &side.process)
    }

    /// What a call has given.
    fn found(&self, token: u64) -> Option<Found> {
        self.processes().find_map(|process| process.lock().found.get(&token).copied())
    }

    fn transmit(&mut self, by: usize, most: usize) {
        if !self.sides[by].ended {
            self.sides[by].transmit(&mut self.pipes[by], most);
        }
    }

    fn deliver(&mut self, to: usize, bytes: usize) {
        let pipe = &mut self.pipes[1 - to];
        let bytes: Vec<u8> = pipe.drain(..bytes.min(pipe.len())).collect();
        if !self.sides[to].ended
            && let Err(error) = self.sides[to].deliver(&bytes)
        {
            panic!("the peer breaks the protocol: {error}");
        }
    }

    fn work(&mut self, by: usize) -> bool {
        self.sides[by].work().expect("nothing has arrived")
    }

    /// A release that nothing is to be given back for: of a place that never was, of another
    /// generation, or of more than there is.
    fn hostile(&mut self, by: usize, slot: u8, generation: u8, count: u8) {
        // So often it is ignored.
        if self.violations[by] == 100 || self.sides[by].ended {
            return;
        }
        self.violations[by] += 1;
        self.transmit(by, 0);
        let (slot, generation) = (slot & 0x7f, generation & 0x7f);
        self.pipes[by].extend_from_slice(&[0x20, 0, 0, 7, slot, generation]);
        self.pipes[by].extend_from_slice(&[count | 0x80, 0xff, 0xff, 0xff, 0x7f]);
    }

    fn break_promise(&mut self, by: usize, promise: u8) {
        if self.violations[by] == 100 || self.sides[by].ended {
            return;
        }
        self.violations[by] += 1;
        self.transmit(by, 0);
        self.pipes[by].extend_from_slice(&[0x22, 0, 0, 1, promise & 0x7f]);
    }

    fn end(&mut self, by: usize, lose: bool) {
        if self.sides[by].ended {
            return;
        }
        self.sides[by].end();
        self.pipes[1 - by].clear();
        if !lose {
            self.deliver(1 - by, usize::MAX);
        }
        self.sides[1 - by].end();
        self.poll_calls();
    }

    /// Lets everything happen that is under way.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let mut moved = false;
            for by in [0, 1] {
                self.transmit(by, 3000);
                moved |= !self.pipes[by].is_empty();
                self.deliver(1 - by, usize::MAX);
            }
            for side in &mut self.sides {
                moved |= side.poll_tasks();
            }
            // Who has an object asks for it, which may have held another one until then.
            let living = self.living();
            self.promises.iter().filter_map(Promise::given).for_each(drop);
            moved |= self.living() < living;
            moved |= self.work(0) | self.work(1);
            moved |= self.poll_calls();
            if !moved {
                model::check_at_rest(self);
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Brings everything to its end. Nothing is left then.
    pub(crate) fn finish(mut self) {
        self.settle();
        // Calls may wait for what others give that wait.
        for _ in 0..self.calls.len() + self.promises.len() + 1 {
            for gate in self.sides.iter().flat_map(|side| side.process.lock().waiting.clone()) {
                gate.upgrade().iter().for_each(|gate| gate.open.store(true, Ordering::Relaxed));
            }
            self.settle();
        }
        assert_eq!(self.calls.len(), 0, "a call is never answered");
        self.promises.iter_mut().for_each(|promise| promise.remote = None);
        for side in &self.sides {
            let kept = std::mem::take(&mut side.process.lock().kept);
            drop(kept);
        }
        // Objects that held others are gone now, which lets go of more.
        self.settle();
        model::check_told(&self.sides, &self.told);
        model::check_empty(self.sides);
    }
}

/// Takes one of several out.
fn take<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(which % from.len()))
}
