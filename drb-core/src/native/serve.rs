//! From a call that has arrived to the method that it asks for.

use super::{Called, Connection, Protocol, Tables, frame, reader::Reader};
use crate::{
    Budget, Context, DumpError, Exception, Limit, Limits, LoadError, Session, Wire,
    dispatch::{self, Args, Completed, Dispatch, Incoming, Invoked, Reply},
};
use std::{
    ops::Range,
    sync::{Arc, MutexGuard},
    time::Instant,
};

/// For so many arguments no memory is taken.
const FEW: usize = 8;

impl Connection {
    /// Calls a method of an object, or refuses it if there is no object. `reply` is where the answer goes.
    pub fn serve(
        self: &Arc<Self>,
        called: &Called<'_>,
        object: Option<Arc<dyn Dispatch>>,
        context: &Context,
        until: Option<Instant>,
        reply: Reply,
    ) -> Invoked {
        dispatch::caught(Wire::Native, || {
            // Until the arguments are loaded.
            let held = match called.references {
                false => Ok(None),
                true => self.hold(called).map(Some),
            };
            let (mut few, mut many) = ([const { 0..0 }; FEW], Vec::new());
            let ranges = match called.count {
                0..=FEW => few.get_mut(..called.count).unwrap_or_default(),
                count => {
                    many.resize(count, 0..0);
                    &mut many
                }
            };
            let found = held.and_then(|held| {
                find_arguments(&called.body, ranges, self.limits(), self.tables()).map(|()| held)
            });
            let held = match found {
                Ok(held) => held,
                Err(error) => return Invoked::Done(reply.refusal((&error).into())),
            };
            let session: &dyn Session = &**self;
            let args =
                Args::native(&called.body, ranges, self.limits(), self.tables(), Some(session))
                    .before(called.tail.as_ref(), self.limits());
            let mut call = Incoming::new(called.method.name(), args, context, reply);
            call.called_as(&called.method);
            call.wait_and_hold(until, held);
            if let Some(block) = called.block {
                call.pass(self.block(block));
            }
            match object {
                Some(object) => dispatch::call(object, &mut call),
                None => call.refuse(Exception::new("RangeError", "invalid reference")),
            }
        })
    }

    /// A call is not made, so that nobody loads what it refers to: that is given back.
    pub fn refuse(&self, called: &Called<'_>) {
        if called.references {
            self.protocol().discard(called);
        }
    }

    /// Sends the answer to a call of the peer's, if the connection is still there. If it isn't, what the answer
    /// refers to is taken back when that is dropped. `alone` says whether no other call of the peer's runs, whose
    /// answer could go with this one.
    ///
    /// It gives what the connection knows, for whoever goes on with that, if the answer can be dropped meanwhile.
    pub fn answer(
        &self,
        id: u32,
        completed: &mut Completed,
        alone: bool,
    ) -> Option<MutexGuard<'_, Protocol>> {
        self.keep_within_limits(id, completed);
        let mut protocol = self.protocol();
        if protocol.has_ended() {
            return None;
        }
        let (body, failure, sending) = completed.parts();
        protocol.keep(id, failure, body);
        let left = protocol.answer(id, failure.is_none(), body, sending, alone);
        sending.sent();
        if left {
            self.send(protocol);
            return None;
        }
        completed.is_plain().then_some(protocol)
    }
}

impl Connection {
    /// Puts an exception in the place of an answer that is too long with what stands before it.
    fn keep_within_limits(&self, id: u32, completed: &mut Completed) {
        let most = self.limits().message;
        let (body, sending) = completed.message();
        let tail = sending.tail.as_ref().map_or(0, |tail| tail.len());
        let len = body.len().saturating_add(tail);
        /// No number takes more.
        const ROOM: usize = 5;
        if len.saturating_add(ROOM) <= most {
            return;
        }
        let mut head = Vec::new();
        frame::put(&mut head, u64::from(id));
        if len.saturating_add(head.len()) <= most {
            return;
        }
        let exception = Exception::from(&DumpError::limit(Limit::Message, most));
        // What the answer refers to is taken back with it.
        *completed = Reply::new(Wire::Native, self.limits(), None).failure(exception);
    }
}

/// Finds where each argument is.
pub(super) fn find_arguments(
    body: &[u8],
    ranges: &mut [Range<usize>],
    limits: &Limits,
    tables: &Tables,
) -> Result<(), LoadError> {
    let Some((last, before)) = ranges.split_last_mut() else { return Ok(()) };
    let mut start = 0;
    if !before.is_empty() {
        let mut reader = Reader::within(body, Budget::new(limits, body.len()), tables, None);
        for range in before {
            reader.budget.take_nodes(1)?;
            reader.skip()?;
            *range = start..reader.pos();
            start = reader.pos();
        }
    }
    // The last one ends with the message.
    *last = start..body.len();
    Ok(())
}
