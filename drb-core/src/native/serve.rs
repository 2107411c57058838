//! From a call that has arrived to the method that it asks for.

use super::{Called, Connection, reader::Reader};
use crate::{
    Budget, Context, Exception, Limits, LoadError, Session, Wire,
    dispatch::{self, Args, Dispatch, Incoming, Invoked, Reply},
};
use std::{ops::Range, sync::Arc};

impl Connection {
    /// Calls a method of an object, or refuses it if there is no object. `buffer` is memory for the
    /// answer.
    pub fn serve(
        self: &Arc<Self>,
        called: &Called<'_>,
        object: Option<Arc<dyn Dispatch>>,
        context: &Context,
        buffer: Vec<u8>,
    ) -> Invoked {
        let session: Arc<dyn Session> = Arc::clone(self) as _;
        let reply = Reply::new(Wire::Native, self.limits(), Some(session)).into_buffer(buffer);
        // Until the arguments are loaded.
        let held = match called.references {
            false => Ok(None),
            true => self.hold(&called.body).map(Some),
        };
        let loaded = held.and_then(|held| Ok((held, self.arguments(called)?)));
        let (held, ranges) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return Invoked::Done(reply.refusal((&error).into())),
        };
        let session: &dyn Session = &**self;
        let args = Args::native(&called.body, &ranges, self.limits(), self.tables(), Some(session));
        let call = Incoming::new(&called.method, args, context, reply).holding(held);
        let call = match called.block {
            None => call,
            Some(block) => call.with_block(self.block(block)),
        };
        match object {
            Some(object) => dispatch::call(object, call),
            None => call.refuse(Exception::new("RangeError", "invalid reference")),
        }
    }

    /// Where each argument is.
    fn arguments(&self, called: &Called<'_>) -> Result<Vec<Range<usize>>, LoadError> {
        let Some(last) = called.count.checked_sub(1) else { return Ok(Vec::new()) };
        let limits: &Limits = self.limits();
        let budget = Budget::new(limits, called.body.len());
        let mut reader = Reader::new(&called.body, budget, self.tables());
        let mut ranges = Vec::with_capacity(called.count);
        for _ in 0..last {
            let start = reader.pos;
            reader.skip()?;
            ranges.push(start..reader.pos);
        }
        // The last one ends with the message.
        ranges.push(reader.pos..called.body.len());
        Ok(ranges)
    }
}
