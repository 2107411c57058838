//! From a call within the process to the method that it asks for.

use super::{Held, Tables, Tail, serve::find_arguments};
use crate::{
    Context, Exception, Limit, Limits, LoadError, Remote, Session, Wire,
    budget::exceeded,
    dispatch::{self, Args, Dispatch, Incoming, Invoked, Reply, Signature},
};
use std::{sync::Arc, time::Instant};

/// A call that comes from this very process, in the form of the native wire, and what serves it.
pub struct Within<'a> {
    /// The method's name.
    pub method: &'a str,
    /// What the caller's proxy knows of the method.
    pub signature: Option<&'static Signature>,
    /// How many arguments there are.
    pub count: usize,
    /// The arguments.
    pub body: &'a [u8],
    /// The string at their end, if that is beside them.
    pub tail: Option<Arc<Tail>>,
    /// What they refer to, until they are loaded.
    pub held: Option<Held>,
    /// The caller's block.
    pub block: Option<Remote>,
    /// The circumstances.
    pub context: &'a Context,
    /// When the caller stops waiting.
    pub until: Option<Instant>,
    /// What references go through.
    pub session: &'a Arc<dyn Session>,
    /// The shapes of all such calls.
    pub tables: &'a Arc<Tables>,
    /// The bounds of whoever serves it.
    pub limits: &'a Arc<Limits>,
}

impl Within<'_> {
    /// Calls the method of an object, or refuses it if there is no object.
    pub fn serve(self, object: Option<Arc<dyn Dispatch>>) -> Invoked {
        let Self { body, context, session, tables, limits, .. } = self;
        let reply = Reply::new(Wire::Native, limits, Some(Arc::clone(session)));
        let ranges = match self.find() {
            Ok(ranges) => ranges,
            Err(error) => return Invoked::Done(reply.refusal((&error).into())),
        };
        dispatch::caught(Wire::Native, || {
            let args = Args::native(body, &ranges, limits, tables, Some(&**session))
                .before(self.tail.as_ref(), limits);
            let mut call = Incoming::new(self.method, args, context, reply);
            if let Some(signature) = self.signature {
                call.called_as(signature);
            }
            call.wait_and_hold(self.until, self.held);
            if let Some(block) = self.block {
                call.pass(block);
            }
            match object {
                Some(object) => dispatch::call(object, &mut call),
                None => call.refuse(Exception::new("RangeError", Exception::INVALID_REFERENCE)),
            }
        })
    }

    /// Where each argument is, if there are no more than a peer may send.
    fn find(&self) -> Result<Vec<std::ops::Range<usize>>, LoadError> {
        let Self { body, count, limits, .. } = self;
        if *count > limits.arguments {
            return Err(exceeded(Limit::Arguments, limits.arguments));
        }
        let len = body.len().saturating_add(self.tail.as_ref().map_or(0, |tail| tail.len()));
        if len > limits.message {
            return Err(exceeded(Limit::Message, limits.message));
        }
        let mut ranges = vec![0..0; *count];
        find_arguments(body, &mut ranges, limits, self.tables)?;
        Ok(ranges)
    }
}

impl std::fmt::Debug for Within<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { method, count, .. } = self;
        f.debug_struct("Within")
            .field("method", method)
            .field("count", count)
            .finish_non_exhaustive()
    }
}
