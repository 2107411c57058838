//! What the peer's calls are going to give, for those of its calls that don't wait for it.

use super::{Called, Target};
use crate::{Exception, Limit, Limits, dispatch::Dispatch};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// The promises of the peer, by the numbers that it has given them, and the calls that wait for the
/// objects.
///
/// A call waits in the order in which it has arrived, and begins as soon as the object is there: before
/// anything that arrives later, so also before what the peer calls once it has the answer.
pub(super) struct Promises {
    most: usize,
    most_calls: usize,
    most_bytes: usize,
    known: BTreeMap<u64, Promise>,
    /// Which promise the answer to a call is, by the numbers of the calls.
    by_call: BTreeMap<u32, u64>,
    /// Calls that are to begin, or to be refused, next.
    ready: VecDeque<Ready>,
    /// How many wait, and their bytes.
    calls: usize,
    bytes: usize,
    /// How many calls of the peer's have begun, and are not answered.
    running: usize,
    /// How many of the peer's calls may have been meant to make promises, and have made none.
    unmade: u64,
}

enum Promise {
    /// The call has no answer yet.
    Pending {
        waiting: VecDeque<Called<'static>>,
        /// Whether the peer calls it no more.
        released: bool,
    },
    Kept(Kept),
}

/// What has become of a promise.
#[derive(Clone)]
pub(super) enum Kept {
    /// The object, to which all calls go.
    Object(Target),
    /// There is none, because the call has failed or has given something else.
    Broken(Arc<Exception>),
}

/// A call that has waited.
pub(super) struct Ready {
    pub(super) called: Called<'static>,
    /// Why it is not made.
    pub(super) refused: Option<Exception>,
}

/// What is to be done about a call of a promised object.
pub(super) enum Aim {
    Call(Target),
    /// It waits for this promise.
    Wait(u64),
    Refuse(Exception),
}

/// A number that the peer has given before.
#[derive(Debug)]
pub(super) struct Taken;

/// A number that the peer has given back before, or never promised.
#[derive(Debug)]
pub(super) struct Unknown;

impl Promises {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.promises,
            most_calls: limits.calls,
            most_bytes: limits.message,
            known: BTreeMap::new(),
            by_call: BTreeMap::new(),
            ready: VecDeque::new(),
            calls: 0,
            bytes: 0,
            running: 0,
            unmade: 0,
        }
    }

    /// The answer to the call `id` is to be kept as the promise `number`. `Ok(false)` if there are as
    /// many as there may be.
    pub(super) fn promise(&mut self, number: u64, id: u32) -> Result<bool, Taken> {
        if self.known.contains_key(&number) || self.by_call.contains_key(&id) {
            return Err(Taken);
        }
        if self.known.len() >= self.most {
            self.unmade();
            return Ok(false);
        }
        self.known.insert(number, Promise::Pending { waiting: VecDeque::new(), released: false });
        self.by_call.insert(id, number);
        Ok(true)
    }

    /// What is to be done about a call of `bytes` bytes on the object of a promise.
    pub(super) fn aim(&self, number: u64, bytes: usize) -> Aim {
        match self.known.get(&number) {
            // Its call was given up before all of it was sent.
            None | Some(Promise::Pending { released: true, .. }) => {
                Aim::Refuse(Exception::unresolved(Exception::new(
                    "RangeError",
                    "the call was not made, or its promise was given back",
                )))
            }
            Some(Promise::Kept(Kept::Object(target))) => Aim::Call(target.clone()),
            Some(Promise::Kept(Kept::Broken(cause))) => {
                Aim::Refuse(Exception::unresolved(Exception::clone(cause)))
            }
            Some(Promise::Pending { .. }) if self.running + self.calls >= self.most_calls => {
                Aim::Refuse(exceeded(
                    Limit::Calls,
                    format!(
                        "as many calls run and wait as the limit `calls` of {} allows",
                        self.most_calls
                    ),
                ))
            }
            Some(Promise::Pending { .. }) if self.bytes.saturating_add(bytes) > self.most_bytes => {
                Aim::Refuse(exceeded(
                    Limit::Calls,
                    format!(
                        "the calls that wait hold as many bytes as the limit `message` of {} allows",
                        self.most_bytes
                    ),
                ))
            }
            Some(Promise::Pending { .. }) => Aim::Wait(number),
        }
    }

    /// Lets a call wait that [may](Promises::aim).
    pub(super) fn wait(&mut self, number: u64, called: Called<'static>) {
        if let Some(Promise::Pending { waiting, .. }) = self.known.get_mut(&number) {
            self.calls += 1;
            self.bytes += size(&called);
            waiting.push_back(called);
        }
    }

    /// The promise that the answer to a call is.
    pub(super) fn of_call(&self, id: u32) -> Option<u64> {
        if self.by_call.is_empty() {
            return None;
        }
        self.by_call.get(&id).copied()
    }

    /// A call has its answer, which is `kept` as its promise. Gives what is held for nobody: `None` of
    /// the calls that wait begins here.
    pub(super) fn keep(&mut self, id: u32, kept: Kept) -> Option<Kept> {
        let number = self.by_call.remove(&id)?;
        let Some(Promise::Pending { waiting, released }) = self.known.remove(&number) else {
            return None;
        };
        for mut called in waiting {
            let refused = match &kept {
                Kept::Object(target) => {
                    called.target = target.clone();
                    None
                }
                Kept::Broken(cause) => Some(Exception::unresolved(Exception::clone(cause))),
            };
            self.ready.push_back(Ready { called, refused });
        }
        if released {
            return Some(kept);
        }
        self.known.insert(number, Promise::Kept(kept));
        None
    }

    /// A call of the peer's is not made before it is known whether it makes a promise.
    pub(super) fn unmade(&mut self) {
        self.unmade += 1;
    }

    /// The peer calls the object of a promise no more. Gives what was held for it.
    pub(super) fn release(&mut self, number: u64) -> Result<Option<Kept>, Unknown> {
        match self.known.get_mut(&number) {
            Some(Promise::Pending { released: released @ false, .. }) => {
                *released = true;
                Ok(None)
            }
            Some(Promise::Kept(_)) => match self.known.remove(&number) {
                Some(Promise::Kept(kept)) => Ok(Some(kept)),
                _ => Ok(None),
            },
            // The peer cannot know yet that there is no such promise.
            None if self.unmade > 0 => {
                self.unmade -= 1;
                Ok(None)
            }
            None | Some(Promise::Pending { .. }) => Err(Unknown),
        }
    }

    /// A call that waits is no longer wanted, if it waits.
    pub(super) fn forget(&mut self, id: u32) -> Option<Called<'static>> {
        if self.calls == 0 {
            return None;
        }
        let ready = self.ready.iter().position(|ready| ready.called.id == id);
        let called = match ready {
            Some(at) => self.ready.remove(at).map(|ready| ready.called),
            None => self.known.values_mut().find_map(|promise| {
                let Promise::Pending { waiting, .. } = promise else { return None };
                let at = waiting.iter().position(|called| called.id == id)?;
                waiting.remove(at)
            }),
        };
        if let Some(called) = &called {
            self.waits_no_more(called);
        }
        called
    }

    /// The next call that has waited for long enough.
    pub(super) fn next(&mut self) -> Option<Ready> {
        let ready = self.ready.pop_front()?;
        self.waits_no_more(&ready.called);
        Some(ready)
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    fn waits_no_more(&mut self, called: &Called<'_>) {
        self.calls -= 1;
        self.bytes -= size(called);
    }

    /// A call of the peer's begins, or is answered.
    pub(super) fn begun(&mut self) {
        self.running += 1;
    }

    pub(super) fn answered(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Whether a call of the peer's runs.
    pub(super) fn runs(&self) -> bool {
        self.running > 0
    }

    /// Whether a call of the peer's runs or waits, or a promise is known.
    pub(super) fn is_in_use(&self) -> bool {
        self.running > 0 || self.calls > 0 || !self.known.is_empty()
    }

    /// How many promises are known, and how many calls wait.
    pub(super) fn len(&self) -> (usize, usize) {
        (self.known.len(), self.calls)
    }

    /// The connection has ended. Gives the objects that were held.
    pub(super) fn clear(&mut self) -> Vec<Arc<dyn Dispatch>> {
        if self.known.is_empty() && self.ready.is_empty() {
            return Vec::new();
        }
        self.by_call.clear();
        (self.calls, self.bytes) = (0, 0);
        let waited = self.ready.drain(..).map(|ready| ready.called.target);
        let kept =
            std::mem::take(&mut self.known).into_values().filter_map(|promise| match promise {
                Promise::Kept(Kept::Object(target)) => Some(target),
                _ => None,
            });
        waited.chain(kept).filter_map(Target::into_object).collect()
    }
}

/// How many bytes a call holds that waits.
fn size(called: &Called<'_>) -> usize {
    called.body.len() + called.tail.as_ref().map_or(0, |tail| tail.len())
}

fn exceeded(limit: Limit, message: String) -> Exception {
    Exception::new("DRb::DRbConnError", message).with("limit", limit.name())
}
