//! Promises in the protocol: calls on objects that are still to be given, in both directions.

use super::{Called, OwnPromise, Protocol, Received, Target};
use crate::{
    Budget, Exception, Limits, ObjectId, Relay,
    native::{
        Reader,
        frame::{self, Kind},
        imports::Place,
        outbox::{Lane, Message},
        promises::{Kept, Ready},
    },
};
use std::{borrow::Cow, sync::Arc};

impl Protocol {
    /// The number of a new promise of this side's. It is used once.
    pub(in crate::native) fn next_promise(&mut self) -> u64 {
        self.promised += 1;
        let number = self.next_promise;
        self.next_promise += 1;
        number
    }

    /// Nobody here calls the object of a promise any more, or ever has.
    pub(in crate::native) fn forget_promise(&mut self, number: u64) {
        self.promised = self.promised.saturating_sub(1);
        self.let_go_promise(number);
    }

    /// The object of a promise isn't called any more.
    pub(in crate::native) fn let_go_promise(&mut self, number: u64) {
        if let Some(OwnPromise { lane, made: true, .. }) = self.own_promises.remove(&number) {
            self.give_back_promise(number, lane);
        }
        self.settle();
    }

    /// The peer has answered the call `id` with nothing but an object of this side's. If that is what the
    /// call was to give, the peer holds it for the promise, and it holds that: the promise is given back.
    pub(super) fn look_for_itself(&mut self, id: u32, (slot, generation): Place) {
        if self.own_promises.is_empty() {
            return;
        }
        let Some(object) = self.exports.get(slot, generation) else { return };
        let Some(ObjectId::Promise { table, number }) = Relay::promise_behind(&object) else {
            return;
        };
        if table == self.tables.peer_objects
            && let Some(promise) = self.own_promises.get_mut(&number)
            && promise.id == id
            && std::mem::take(&mut promise.made)
        {
            let lane = promise.lane;
            self.give_back_promise(number, lane);
        }
    }

    fn give_back_promise(&mut self, number: u64, lane: Lane) {
        let head = |out: &mut Vec<u8>| frame::put(out, number);
        let (kind, flags, id, tail) = (Kind::Promises, 0, 0, None);
        // Behind all calls on it.
        self.outbox.send(lane, Message { kind, flags, id, head, tail }, &mut Vec::new());
        self.sender.wake();
    }

    /// How many promises of the peer's are kept, and how many of its calls wait for objects.
    pub fn promises(&self) -> (usize, usize) {
        self.promises.len()
    }

    /// Whether there is something to be done although nothing has arrived: calls that have waited for
    /// their objects, or objects that nobody holds any more.
    pub fn has_work(&self) -> bool {
        self.promises.has_ready() || !self.dropped.is_empty()
    }

    /// The method of the peer's call `id` has ended, with `failure` or with the result in `body`. If the
    /// answer was promised, the calls that wait for it come next. This comes before the
    /// [answer](Protocol::answer).
    pub fn keep(&mut self, id: u32, failure: Option<&Exception>, body: &[u8]) {
        if self.promises.of_call(id).is_none() {
            return;
        }
        self.sender.look();
        let kept = match failure {
            Some(failure) => Err(bounded(failure, body.len(), &self.limits)),
            None => self.given(body),
        };
        let kept = match kept {
            Ok(target) => Kept::Object(target),
            Err(cause) => Kept::Broken(Arc::new(cause)),
        };
        let nobody_s = self.promises.keep(id, kept);
        self.let_go_kept(nobody_s);
        self.sender.wake();
    }

    /// The object that is the result in `body`, which is held for the promise.
    fn given(&mut self, body: &[u8]) -> Result<Target, Exception> {
        let tables = Arc::clone(&self.tables);
        let budget = Budget::new(&self.limits, body.len());
        let reference = Reader::new(body, budget, &tables, None).reference();
        let reference = reference.map_err(|error| Exception::from(&error))?;
        let ObjectId::Slot { table, slot, generation } = *reference.id() else {
            return Ok(Target::Elsewhere(reference));
        };
        // What a reader takes for the sender's is this side's: it is the one that sends it.
        if table == tables.peer_objects {
            self.exports.count(slot, generation);
            let id = ObjectId::Slot { table: tables.own_objects, slot, generation };
            return Ok(Target::Id(id));
        }
        let import = self.imports.get((slot, generation));
        let import = import.ok_or_else(|| reference.id().gone())?;
        Ok(Target::Object(import.relay()))
    }

    /// What was held for a promise is no longer.
    pub(super) fn let_go_kept(&mut self, kept: Option<Kept>) {
        match kept {
            Some(Kept::Object(Target::Id(ObjectId::Slot { slot, generation, .. }))) => {
                self.give_back(&[(slot, generation)]);
            }
            Some(Kept::Object(Target::Object(object))) => self.dropped.push(object),
            _ => {}
        }
    }

    /// The next call whose object is there now, or isn't going to be.
    pub(super) fn next_waited(&mut self, called: &mut Option<Called<'_>>) -> Option<Received> {
        let Ready { called: mut waited, refused } = self.promises.next()?;
        waited.waited = true;
        match refused {
            None => {
                *called = Some(waited);
                Some(Received::Call(0))
            }
            Some(exception) => {
                self.discard(&waited);
                Some(Received::Refused(0, waited.id, Box::new(exception)))
            }
        }
    }

    /// Lets a call wait for the object of a promise.
    pub(super) fn wait(&mut self, taken: usize, number: u64, called: Called<'_>) -> Received {
        let Called {
            id,
            method,
            count,
            keywords,
            block,
            deadline,
            body,
            tail,
            references,
            crowded,
            ..
        } = called;
        let home = match references.then(|| self.references(&body, tail.as_deref())) {
            None => Vec::new(),
            Some(Ok(mut mentioned)) => {
                // The peer may let go of them before they are loaded.
                mentioned
                    .receivers
                    .retain(|(slot, generation)| self.exports.count(*slot, *generation));
                mentioned.receivers
            }
            Some(Err(error)) => {
                self.refuse(&body);
                return Received::Refused(taken, id, Box::new((&error).into()));
            }
        };
        let waiting = Called {
            id,
            target: called.target,
            method,
            count,
            keywords,
            block,
            deadline,
            until: deadline.and_then(|deadline| self.now?.checked_add(deadline)),
            body: Cow::Owned(body.into_owned()),
            tail,
            references,
            crowded,
            waited: true,
            home,
        };
        self.promises.wait(number, waiting);
        Received::Nothing(taken)
    }

    /// Forgets a call that waits and is no longer wanted, and says whether there was one.
    pub(super) fn forget_waiting(&mut self, id: u32) -> bool {
        let Some(called) = self.promises.forget(id) else { return false };
        self.discard(&called);
        true
    }

    /// A call is not made: nobody is going to hold what it refers to.
    pub(in crate::native) fn discard(&mut self, called: &Called<'_>) {
        self.give_back(&called.home);
        if called.references {
            self.refuse(&called.body);
        }
    }
}

/// What is kept of the failure of a call, whose dump takes `bytes`: without its fields, if it is large.
fn bounded(failure: &Exception, bytes: usize, limits: &Limits) -> Exception {
    if bytes <= limits.error_text {
        return failure.clone();
    }
    let cut = failure.cut(limits.error_text);
    let mut bare = Exception::new(cut.class.clone(), cut.message.clone());
    bare.refused = cut.refused;
    bare
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::{Calling, PREAMBLE, Tables};
    use std::time::Instant;

    /// What is sent when a call behind one of so many bytes, whose object is promised, is given up behind
    /// so many bytes of them, and the promise is given back: the kinds of the frames, but of chunks.
    fn kinds(bytes: usize, sent: usize) -> Vec<Option<Kind>> {
        let limits = Arc::new(Limits { chunk: 100, ..Limits::default() });
        let mut protocol = Protocol::new(&limits, Arc::new(Tables::new()));
        let mut call = |bytes, promise| {
            let (target, method, body) = (&ObjectId::Front, "m", &mut vec![0; bytes]);
            let (count, keywords, block, deadline) = (1, false, None, None);
            let (tail, shapes, references, signature) = (None, 0, false, None);
            let mut call = Calling {
                target,
                method,
                signature,
                count,
                keywords,
                block,
                deadline,
                promise,
                body,
                tail,
                shapes,
                references,
            };
            protocol.call(&mut call, Instant::now, None).unwrap()
        };
        let number = 0;
        call(bytes, None);
        let id = call(bytes, Some(number));
        let mut out = Vec::new();
        for most in 0..sent {
            assert!(protocol.transmit(&mut out, most, Instant::now).is_none());
            protocol.outbox.window.take_all();
        }
        protocol.abandon(id);
        protocol.let_go_promise(number);
        assert!(protocol.transmit(&mut out, usize::MAX, Instant::now).is_none());
        assert!(protocol.own_promises.is_empty());
        let (mut frames, mut kinds) = (&out[PREAMBLE.len()..], Vec::new());
        while let Ok((byte, body)) = frame::split(frames) {
            kinds.push(Kind::from_byte(byte));
            frames = &frames[frame::HEAD + body.len()..];
        }
        kinds.retain(|kind| *kind != Some(Kind::Chunk));
        kinds
    }

    #[test]
    fn only_what_the_peer_knows_of_is_given_back() {
        let (name, call) = (Some(Kind::Name), Some(Kind::Call));
        let (cancel, promises) = (Some(Kind::Cancel), Some(Kind::Promises));
        // Nothing of it was sent, a part, and all.
        assert_eq!(kinds(500, 200), [name, call]);
        assert_eq!(kinds(500, 700), [name, call, call, cancel, promises]);
        assert_eq!(kinds(10, 40), [name, call, call, promises, cancel]);
    }
}
