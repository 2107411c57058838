//! The calls of the peer, in the protocol: from a call that has arrived to its answer.

use super::{Protocol, Received};
use crate::{
    Exception, Limit, LoadError, ObjectId, Reference,
    budget::exceeded,
    dispatch::{Dispatch, Signature},
    native::{
        Sending, Tail,
        frame::{self, Kind, REFERENCES, malformed},
        head::Head,
        imports::Place,
        outbox::{Lane, Message},
        promises::Aim,
        scan::Scan,
    },
};
use std::{
    borrow::Cow,
    fmt,
    hint::cold_path,
    sync::Arc,
    time::{Duration, Instant},
};

/// A call that has arrived.
#[derive(Debug)]
pub struct Called<'a> {
    /// By which the caller knows it.
    pub id: u32,
    /// Whose method is called.
    pub target: Target,
    /// The method: its name, and what the caller knows of it if it has told that.
    pub method: Arc<Signature>,
    /// How many arguments there are.
    pub count: usize,
    /// Whether the last one are arguments by name.
    pub keywords: bool,
    /// The block: a place in the peer's table.
    pub block: Option<(u32, u32)>,
    /// How long the caller waits.
    pub deadline: Option<Duration>,
    /// When the caller stops waiting, for a call that has waited for its object.
    pub until: Option<Instant>,
    /// The arguments.
    pub body: Cow<'a, [u8]>,
    /// The string at their end, if that has travelled beside them.
    pub tail: Option<Arc<Tail>>,
    /// Whether there are references in the body.
    pub references: bool,
    /// Whether more waits to be sent to the peer than may: then it isn't to be made.
    pub crowded: bool,
    /// Whether the call has waited for its object.
    pub waited: bool,
    /// What it refers to of this side, which is held while it waits.
    pub(in crate::native) home: Vec<Place>,
}

/// Whose method is called.
#[derive(Clone)]
pub enum Target {
    /// An object that the caller has named.
    Id(ObjectId),
    /// What an earlier call has given: an object of the caller's, through this process.
    Object(Arc<dyn Dispatch>),
    /// What an earlier call has given: an object of a third process.
    Elsewhere(Reference),
}

impl Target {
    pub(in crate::native) fn into_object(self) -> Option<Arc<dyn Dispatch>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Id(_) | Self::Elsewhere(_) => None,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Object(object) => f.debug_tuple("Object").field(&object.class()).finish(),
            Self::Elsewhere(reference) => reference.fmt(f),
        }
    }
}

impl Protocol {
    pub(super) fn called<'a>(
        &mut self,
        taken: usize,
        byte: u8,
        body: Cow<'a, [u8]>,
        tail: Option<Arc<Tail>>,
        called: &mut Option<Called<'a>>,
    ) -> Result<Received, LoadError> {
        let mut rest: &[u8] = &body;
        let head = Head::take(&mut rest, self.tables.own_objects)?;
        let Head { id, target, name, deadline, keywords, block, promise, count } = head;
        let method = self.names.method(name)?;
        let references = byte & REFERENCES != 0;
        if block.is_some() {
            self.sender.look();
        }
        let (mut waits, mut broken) = (None, None);
        let target = match target {
            ObjectId::Promise { number, .. } => {
                cold_path();
                let bytes = rest.len() + tail.as_ref().map_or(0, |tail| tail.len());
                let aim = self.promises.aim(number, bytes);
                match aim {
                    Aim::Call(target) => target,
                    Aim::Wait(number) => {
                        waits = Some(number);
                        // It is going to be known.
                        Target::Id(ObjectId::Front)
                    }
                    Aim::Refuse(exception) => {
                        broken = Some(Box::new(exception));
                        Target::Id(ObjectId::Front)
                    }
                }
            }
            id => Target::Id(id),
        };
        if let Some(exception) = self.refusal(id, promise, count)?.or(broken) {
            cold_path();
            if references {
                self.refuse_found(Scan::of(rest));
            }
            return Ok(Received::Refused(taken, id, exception));
        }
        let at = body.len() - rest.len();
        let place = called.insert(Called {
            id,
            target: Target::Id(ObjectId::Front),
            method,
            count,
            keywords,
            block,
            deadline,
            until: None,
            body: Cow::Borrowed(&[]),
            tail,
            references,
            crowded: self.outbox.waiting() > self.limits.outbound,
            waited: false,
            home: Vec::new(),
        });
        // What may be one thing or another is moved if it doesn't go straight to its place.
        if !matches!(target, Target::Id(ObjectId::Front)) {
            place.target = target;
        }
        match body {
            Cow::Borrowed(body) => place.body = Cow::Borrowed(body.get(at..).unwrap_or_default()),
            Cow::Owned(mut body) => {
                cold_path();
                body.drain(..at);
                place.body = Cow::Owned(body);
            }
        }
        match waits {
            None => Ok(Received::Call(taken)),
            Some(number) => {
                cold_path();
                Ok(match called.take() {
                    Some(called) => self.wait(taken, number, called),
                    None => Received::Nothing(taken),
                })
            }
        }
    }

    /// Why a call is not made, whatever it is made on; if it is, its answer will be kept, if that is to be.
    fn refusal(
        &mut self,
        id: u32,
        promise: Option<u64>,
        count: usize,
    ) -> Result<Option<Box<Exception>>, LoadError> {
        if let Some(number) = promise {
            cold_path();
            let promised = self.promises.promise(number, id);
            if !promised.map_err(|_| malformed("a promise's number that is taken"))? {
                let error = exceeded(Limit::Promises, self.limits.promises);
                return Ok(Some(Box::new((&error).into())));
            }
        }
        if count > self.limits.arguments {
            let error = exceeded(Limit::Arguments, self.limits.arguments);
            return Ok(Some(Box::new((&error).into())));
        }
        Ok(None)
    }

    /// Takes the answer to a call of the peer's to be sent: a result or an exception. The memory of its body is
    /// left to whoever has it, unless it is needed. If the call was `alone`, it may be left to its method's task to
    /// be sent: then this says so, and that has to be done.
    pub fn answer(
        &mut self,
        id: u32,
        success: bool,
        body: &mut Vec<u8>,
        sending: &mut Sending,
        alone: bool,
    ) -> bool {
        self.promises.answered();
        let Sending { shapes, references, ref mut tail, .. } = *sending;
        let tail = tail.take();
        self.names.define(shapes, &self.tables, self.outbox.ready());
        let kind = if success { Kind::Result } else { Kind::Failure };
        let head = |out: &mut Vec<u8>| frame::put(out, u64::from(id));
        let flags = if references { REFERENCES } else { 0 };
        self.outbox.send(Lane::Answer(id), Message { kind, flags, id, head, tail }, body);
        let left = alone && self.sender.leave(None);
        if !left {
            self.sender.wake();
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, native::Tables};
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Wake, Waker},
    };

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn protocol() -> Protocol {
        let mut protocol = Protocol::new(&Arc::new(Limits::default()), Arc::new(Tables::new()));
        protocol.let_callers_send();
        assert!(protocol.transmit(&mut Vec::new(), usize::MAX, Instant::now).is_none());
        protocol
    }

    fn answer(protocol: &mut Protocol, alone: bool) -> bool {
        protocol.answer(1, true, &mut vec![0xc0], &mut Sending::default(), alone)
    }

    #[test]
    fn the_answer_to_the_only_call_is_left_to_its_task() {
        for alone in [true, false] {
            let (mut protocol, woken) = (protocol(), Arc::new(Woken::default()));
            protocol.watch(&Context::from_waker(&Waker::from(Arc::clone(&woken))));
            protocol.rest(Instant::now(), true);
            assert_eq!(answer(&mut protocol, alone), alone);
            // Those of several go together.
            assert_eq!(woken.0.load(Ordering::SeqCst), usize::from(!alone));
            assert!(protocol.has_to_transmit());
        }
        // Whoever sends isn't asleep, and looks what there is.
        assert!(!answer(&mut protocol(), true));
    }
}
