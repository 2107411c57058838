//! Promises in the protocol: calls on objects that are still to be given, in both directions.

use super::{Called, Protocol, Received, Target};
use crate::{
    Budget, Exception, Limits, ObjectId,
    native::{
        Reader,
        frame::{self, Kind},
        outbox::Message,
        promises::{Kept, Ready},
    },
};
use std::{borrow::Cow, sync::Arc};

impl Protocol {
    /// The number of a new promise of this side's. It is used once.
    pub(in crate::native) fn next_promise(&mut self) -> u64 {
        let number = self.next_promise;
        self.next_promise += 1;
        number
    }

    /// Nobody here calls the object of a promise any more.
    pub(in crate::native) fn let_go_promise(&mut self, number: u64) {
        // Behind all calls on it.
        if let Some(lane) = self.lanes.remove(&number) {
            let head = |out: &mut Vec<u8>| frame::put(out, number);
            let message = Message {
                kind: Kind::Promises,
                flags: 0,
                id: 0,
                head,
                body: Vec::new(),
                tail: None,
            };
            self.outbox.send(lane, message);
            self.sender.wake();
        }
        self.settle();
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
        let reference = Reader::new(body, budget, &tables).reference();
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
    pub(super) fn next_waited(&mut self) -> Option<Received<'static>> {
        let Ready { mut called, refused } = self.promises.next()?;
        called.waited = true;
        match refused {
            None => Some(Received::Call(0, called)),
            Some(exception) => {
                self.discard(&called);
                Some(Received::Refused(0, called.id, exception))
            }
        }
    }

    /// Lets a call wait for the object of a promise.
    pub(super) fn wait<'a>(
        &mut self,
        taken: usize,
        number: u64,
        called: Called<'a>,
    ) -> Received<'a> {
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
                return Received::Refused(taken, id, (&error).into());
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
