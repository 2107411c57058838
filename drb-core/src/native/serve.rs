//! From a call that has arrived to the method that it asks for.

use super::{Called, Connection, Tables, frame, reader::Reader};
use crate::{
    Budget, Context, DumpError, Exception, Limit, Limits, LoadError, Session, Wire,
    dispatch::{self, Args, Completed, Dispatch, Incoming, Invoked, Reply},
};
use std::{ops::Range, sync::Arc, time::Instant};

/// For so many arguments no memory is taken.
const FEW: usize = 8;

impl Connection {
    /// Calls a method of an object, or refuses it if there is no object. `buffer` is memory for the
    /// answer.
    pub fn serve(
        self: &Arc<Self>,
        called: &Called<'_>,
        object: Option<Arc<dyn Dispatch>>,
        context: &Context,
        until: Option<Instant>,
        buffer: Vec<u8>,
    ) -> Invoked {
        dispatch::caught(Wire::Native, || {
            let session: Arc<dyn Session> = Arc::clone(self) as _;
            let reply = Reply::new(Wire::Native, self.limits(), Some(session)).into_buffer(buffer);
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

    /// Sends the answer to a call of the peer's, if the connection is still there. Gives memory for the
    /// next one.
    pub fn answer(&self, id: u32, completed: Completed) -> Vec<u8> {
        let Completed { bytes, failure, mut sending } = self.within_limits(id, completed);
        let mut protocol = self.protocol();
        if protocol.has_ended() {
            drop(protocol);
            // What it refers to is taken back with it.
            drop(sending);
            return bytes;
        }
        protocol.keep(id, failure.as_deref(), &bytes);
        let spare = protocol.answer(id, failure.is_none(), bytes, &mut sending);
        drop(protocol);
        sending.sent();
        spare
    }
}

impl Connection {
    /// An answer, or an exception in its place if it is too long with what stands before it.
    fn within_limits(&self, id: u32, completed: Completed) -> Completed {
        let most = self.limits().message;
        let tail = completed.sending.tail.as_ref().map_or(0, |tail| tail.len());
        let len = completed.bytes.len().saturating_add(tail);
        /// No number takes more.
        const ROOM: usize = 5;
        if len.saturating_add(ROOM) <= most {
            return completed;
        }
        let mut head = Vec::new();
        frame::put(&mut head, u64::from(id));
        if len.saturating_add(head.len()) <= most {
            return completed;
        }
        let exception = Exception::from(&DumpError::limit(Limit::Message, most));
        // What the answer refers to is taken back with it.
        drop(completed);
        Reply::new(Wire::Native, self.limits(), None).failure(exception)
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
        let mut reader = Reader::within(body, Budget::new(limits, body.len()), tables);
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
