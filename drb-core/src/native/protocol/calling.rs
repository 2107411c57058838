//! The calls of this side, in the protocol: from a call that is to be made to what has become of it.

use super::{Lane, OwnPromise, Protocol};
use crate::{
    DumpError, Limit, LoadError, ObjectId,
    dispatch::Signature,
    native::{
        Mentioned, Tail,
        calls::{Abandon, Answered, Arrived, Ending},
        frame::{self, Kind, REFERENCES, malformed, take32},
        head::Head,
        idle::{self, Word},
        imports::Place,
        outbox::{Message, Sent},
        scan::Scan,
    },
};
use bytes::Bytes;
use std::{
    hint::cold_path,
    ops::Deref,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// An answer as it has arrived.
pub(super) trait Answer: Deref<Target = [u8]> {
    /// Puts what is behind its head into the buffer of whoever waits for it.
    fn put(self, head: usize, buffer: &mut Vec<u8>);
}

impl Answer for &[u8] {
    fn put(self, head: usize, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.get(head..).unwrap_or_default());
    }
}

/// It has come in pieces: this is its memory already.
impl Answer for Vec<u8> {
    fn put(mut self, head: usize, buffer: &mut Vec<u8>) {
        self.drain(..head);
        *buffer = self;
    }
}

/// A call that is to be made.
#[derive(Debug)]
pub struct Calling<'a> {
    /// Whose method is called.
    pub target: &'a ObjectId,
    /// The method's name.
    pub method: &'a str,
    /// What a proxy knows of the method.
    pub signature: Option<&'static Signature>,
    /// How many arguments there are.
    pub count: usize,
    /// Whether the last one are arguments by name.
    pub keywords: bool,
    /// The block: a place in this side's table.
    pub block: Option<(u32, u32)>,
    /// How long the caller waits.
    pub deadline: Option<Duration>,
    /// Under which number the peer is to keep the answer, for calls on the object.
    pub promise: Option<u64>,
    /// The arguments. Their memory is for the answer.
    pub body: &'a mut Vec<u8>,
    /// The string at their end, if that travels beside them.
    pub tail: Option<Bytes>,
    /// How many shapes the body needs.
    pub shapes: u32,
    /// Whether there are references in the body.
    pub references: bool,
}

impl Protocol {
    /// Takes a call to be sent, and gives the number by which its answer is known. `waker` is for whoever asks
    /// for the answer, if that is known.
    ///
    /// # Errors
    /// A method's name of more than 1 KiB, if the connection has no number for it; a message that is too long.
    ///
    /// `now` is asked for only where that has to be known.
    pub fn call(
        &mut self,
        call: &mut Calling<'_>,
        now: impl FnOnce() -> Instant,
        waker: Option<&Waker>,
    ) -> Result<u32, DumpError> {
        let lane = self.lane(call.target)?;
        let name = self.names.name(call.method, call.signature, self.outbox.ready())?;
        self.names.define(call.shapes, &self.tables, self.outbox.ready());
        let id = self.calls.begin(call.deadline, waker);
        let flags = if call.references { REFERENCES } else { 0 };
        let order = self.outbox.calls();
        let Calling { target, count, keywords, block, deadline, promise, .. } = *call;
        let (body, tail) = (&mut *call.body, call.tail.take());
        let head = Head { id, target, name, deadline, keywords, block, promise, count };
        let values = body.len() + tail.as_ref().map_or(0, |tail| tail.len());
        if head.is_too_long(values, self.limits.message) {
            self.calls.remove(id);
            return Err(DumpError::limit(Limit::Message, self.limits.message));
        }
        let head = |out: &mut Vec<u8>| head.put(out);
        let message = Message { kind: Kind::Call, flags, id, head, tail };
        self.outbox.send(lane, message, body);
        let at_once = self.outbox.calls() > order;
        if let Some(number) = promise {
            cold_path();
            self.own_promises.insert(number, OwnPromise { id, lane, made: true });
        }
        self.calls.begun(id, std::mem::take(body), at_once.then_some(order));
        // Behind a call that makes a promise others come, which go with it.
        let alone = promise.is_none() && self.calls.is_alone() && self.sender.rests();
        if alone {
            self.calls.date(now);
        }
        if !(alone && self.sender.leave(self.calls.earliest())) {
            self.sender.wake();
        }
        Ok(id)
    }

    /// Which queue a call goes through.
    fn lane(&self, target: &ObjectId) -> Result<Lane, DumpError> {
        Ok(match target {
            ObjectId::Front => Lane::Object(0, 0, 0),
            ObjectId::Slot { slot, generation, .. } => Lane::Object(1, *slot, *generation),
            // Names share one: they are few.
            ObjectId::Name(_) => Lane::Object(2, 0, 0),
            ObjectId::Promise { number, .. } => {
                let promise = self.own_promises.get(number);
                promise.map(|promise| promise.lane).ok_or_else(|| {
                    DumpError::custom("the call that gives the object was not made")
                })?
            }
            ObjectId::Number(_) | ObjectId::Opaque(_) => {
                return Err(DumpError::custom(
                    "an object of a Ruby process is not called over this wire",
                ));
            }
        })
    }

    pub(super) fn answered<A: Answer>(
        &mut self,
        kind: Kind,
        byte: u8,
        answer: A,
        tail: Option<Arc<Tail>>,
    ) -> Result<(), LoadError> {
        let mut body = &*answer;
        let id = take32(&mut body)?;
        let success = kind == Kind::Result;
        let mentioned = match byte & REFERENCES {
            0 => None,
            _ if self.calls.waits(id) => {
                let mentioned = self.references(body, tail.as_deref()).map(|mut mentioned| {
                    // The peer may let go of them next, before anybody has loaded this.
                    let count = |(slot, generation): &Place| self.exports.count(*slot, *generation);
                    mentioned.receivers.retain(count);
                    mentioned
                });
                match &mentioned {
                    Ok(Mentioned { senders, receivers }) => {
                        if let ([], [home]) = (&senders[..], &receivers[..]) {
                            self.look_for_itself(id, *home);
                        }
                    }
                    Err(_) => self.refuse(body),
                }
                Some(Box::new(mentioned))
            }
            _ => {
                self.refuse(body);
                None
            }
        };
        let head = answer.len() - body.len();
        let put = |buffer: &mut Vec<u8>| answer.put(head, buffer);
        match self.calls.answered(id, success, mentioned, tail, put) {
            Answered::Waited => {
                self.told |= self.outbox.has_large();
                Ok(())
            }
            Answered::Abandoned => Ok(()),
            Answered::Unknown => Err(malformed("an answer to a call that was not made")),
        }
    }

    /// What has become of a call.
    #[inline]
    pub fn poll_answer(&mut self, id: u32, context: &mut Context<'_>) -> Poll<Ending<'_>> {
        let ending = self.calls.poll(id, context);
        if ending.is_ready() && self.leaving {
            self.sender.wake();
        }
        ending
    }

    /// Whether it is known what has become of a call.
    pub(in crate::native) fn is_over(&self, id: u32) -> bool {
        self.calls.is_over(id)
    }

    /// Nobody waits for a call any more. What the peer answers is forgotten.
    pub fn abandon(&mut self, id: u32) {
        match self.take_back(id) {
            Sent::Nothing => self.calls.remove(id),
            sent => match self.calls.abandon(id) {
                Abandon::Cancel => self.cancel(id, sent),
                Abandon::Nothing => {}
                // It has come, but nobody has looked at it.
                Abandon::Answered(Arrived { mentioned, .. }) => {
                    if let Some(Ok(mentioned)) = mentioned.map(|mentioned| *mentioned) {
                        self.forget(&mentioned);
                        self.let_go_home(&mentioned);
                        self.sender.wake();
                    }
                }
            },
        }
        self.settle();
    }

    /// When something is to be done although nothing arrives, at the earliest. The time of calls that were made
    /// before begins `now`, which is asked for only if there are any.
    pub fn wakes_at(&mut self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        self.calls.date(now);
        let needed = self.idle.ends() && self.is_needed();
        let (cancels, idle) = (self.cancels.until(), self.idle.wakes_at(needed));
        self.calls.earliest().into_iter().chain(cancels).chain(idle).min()
    }

    /// Ends the calls whose time is up, and asks the peer whether it needs a connection that is idle.
    pub fn expire(&mut self, now: Instant) {
        self.sender.look();
        self.cancels.look(now);
        let needed = self.is_needed();
        if self.idle.look(needed, now) {
            idle::write(self.outbox.ready(), Word::Asks);
        }
        for id in self.calls.expire(now) {
            let sent = self.take_back(id);
            self.calls.expired(id, sent);
            if sent != Sent::Nothing {
                self.cancel(id, sent);
            }
        }
    }

    /// Takes back what was not sent of a call. If that is anything, the peer doesn't get to see what it
    /// refers to.
    fn take_back(&mut self, id: u32) -> Sent {
        let (sent, unsent) = self.outbox.forget(Kind::Call, id);
        let Some((message, body)) = unsent else { return sent };
        if message.flags & REFERENCES != 0 {
            self.give_back(&Scan::of(&body));
        }
        if sent == Sent::Nothing
            && let Ok(Head { promise: Some(promise), .. }) = Head::take(&mut &message.head[..], 0)
            && let Some(promise) = self.own_promises.get_mut(&promise)
        {
            promise.made = false;
        }
        sent
    }

    /// The peer is to be told that a call is no longer wanted.
    fn cancel(&mut self, id: u32, sent: Sent) {
        match sent {
            // It waits for more of it, and for so many only.
            Sent::Part => self.write_cancel(id),
            _ => self.cancels.push(id),
        }
        self.sender.wake();
    }

    pub(super) fn write_cancel(&mut self, id: u32) {
        let out = self.outbox.ready();
        let start = frame::open(out, Kind::Cancel, 0);
        frame::put(out, u64::from(id));
        frame::close(out, start);
    }
}
