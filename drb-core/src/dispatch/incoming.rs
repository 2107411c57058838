//! One call as the server sees it: from its arguments to its reply.

use super::Args;
use crate::{
    Context, DumpError, Dumper, Exception, Exclusive, Limits, LoadError, Outbound, Returns,
    Session, Wire,
};
use std::{future::Future, pin::Pin, sync::Arc};

/// A call on its way into a method. The code that `#[drb::service]` makes takes it apart.
pub struct Incoming<'a> {
    /// The arguments.
    pub args: Args<'a>,
    pub(super) context: &'a Context,
    pub(super) reply: Reply,
}

/// What has become of a call.
pub enum Invoked {
    /// It has run in place.
    Done(Completed),
    /// It goes on; the future owns all that it needs.
    Running(Pin<Box<dyn Future<Output = Completed> + Send>>),
    /// It is to be run on a thread where it may block.
    Blocking(Box<dyn FnOnce() -> Completed + Send>),
}

/// Where a result goes: the buffer that the reply is written into.
pub struct Reply {
    bytes: Vec<u8>,
    wire: Wire,
    limits: Limits,
    session: Option<Arc<dyn Session>>,
}

/// A finished reply.
#[derive(Debug)]
pub struct Completed {
    /// The reply in the form of its wire.
    pub bytes: Vec<u8>,
    /// The exception, if the call failed; it is in `bytes` already.
    pub failure: Option<Exception>,
}

impl<'a> Incoming<'a> {
    /// A call with its arguments.
    pub fn new(args: Args<'a>, context: &'a Context, reply: Reply) -> Self {
        Self { args, context, reply }
    }

    /// The circumstances, for a parameter marked `#[drb(context)]`.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// The arguments don't fit: the method is not called.
    pub fn refuse(self, error: &LoadError) -> Invoked {
        let _ = error;
        todo!()
    }

    /// There is no such method.
    pub fn no_method(self) -> Invoked {
        todo!()
    }

    /// The method has run in place and given `result`.
    pub fn returned<R: Returns>(self, result: R) -> Invoked {
        Invoked::Done(result.returned(self.reply))
    }

    /// The method is asynchronous.
    pub fn run<R, F>(self, method: F) -> Invoked
    where
        R: Returns,
        F: Future<Output = R> + Send + 'static,
    {
        let reply = self.reply;
        Invoked::Running(Box::pin(async move { method.await.returned(reply) }))
    }

    /// The method may block its thread.
    pub fn block<R: Returns>(self, method: impl FnOnce() -> R + Send + 'static) -> Invoked {
        let reply = self.reply;
        Invoked::Blocking(Box::new(move || method().returned(reply)))
    }
}

impl Reply {
    /// An empty reply.
    pub fn new(wire: Wire, limits: &Limits, session: Option<Arc<dyn Session>>) -> Self {
        Self { bytes: Vec::new(), wire, limits: *limits, session }
    }

    /// A result, which `dump` writes.
    pub fn success(self, dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>) -> Completed {
        let _ = dump;
        todo!()
    }

    /// An exception in place of the method's run.
    pub fn refusal(self, exception: Exception) -> Completed {
        self.failure(exception)
    }

    /// An exception.
    pub fn failure(self, exception: Exception) -> Completed {
        let _ = exception;
        todo!()
    }
}
