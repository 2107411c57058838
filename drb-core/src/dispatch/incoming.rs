//! One call as the server sees it, before its arguments are loaded.

use super::{
    Args, Blocking, Completed, Dispatch, MethodInfo, OwnedArgs, Reply, Running, Signature,
    args::Caller,
};
use crate::{Context, Exception, LoadError, Remote, Wire, native::Held};
use std::{ops::Range, sync::Arc, time::Instant};

/// A call on its way into a method. The code that `#[drb::service]` makes takes it apart:
/// [`Incoming::load`] gives what the method takes and the [`Reply`], and one of [`Invoked`]'s
/// functions (or [`Reply::result`] in place) runs it.
///
/// It is large, so it is lent and not handed on. There is one reply to a call: what is asked for a second one
/// (after [`Incoming::load`], [`Incoming::refuse`] or [`Incoming::take_owned`]) gives one that can refer to nothing.
pub struct Incoming<'a> {
    /// The arguments.
    pub args: Args<'a>,
    pub(super) method: &'a str,
    /// What the caller knows of the method, where it has said so, and what the object does.
    signature: Option<&'a Signature>,
    info: Option<&'static MethodInfo>,
    pub(super) context: &'a Context,
    /// When the caller stops waiting.
    until: Option<Instant>,
    /// Until it is taken.
    reply: Option<Reply>,
    wire: Wire,
    /// What the message refers to, until it is loaded.
    held: Option<Held>,
}

/// What has become of a call.
#[derive(Debug)]
pub enum Invoked {
    /// It has run in place, or was refused.
    Done(Completed),
    /// It goes on; the future owns all that it needs.
    Running(Running),
    /// It is to be run on a thread where it may block.
    Blocking(Blocking),
}

impl<'a> Incoming<'a> {
    /// A call of `method` with its arguments.
    pub fn new(method: &'a str, args: Args<'a>, context: &'a Context, reply: Reply) -> Self {
        let (until, wire) = (context.deadline(), reply.wire());
        Self {
            args,
            method,
            signature: None,
            info: None,
            context,
            until,
            reply: Some(reply),
            wire,
            held: None,
        }
    }

    /// Says what the caller knows of the method.
    #[inline]
    pub(crate) fn called_as(&mut self, signature: &'a Signature) {
        self.signature = Some(signature);
    }

    /// The position of the method in the object's whitelist.
    #[inline]
    pub(super) fn find(&self, object: &dyn Dispatch) -> Option<usize> {
        match self.signature {
            Some(signature) => object.find_as(signature),
            None => object.find(self.method),
        }
    }

    /// Whether the arguments arrive as what their caller means, at a method of which this is known.
    #[inline]
    pub(super) fn fits(&mut self, info: &'static MethodInfo) -> bool {
        self.info = Some(info);
        self.signature.is_none_or(|signature| {
            let session = || self.reply.as_ref().and_then(Reply::session);
            signature.fits(info) || signature.look(info, session())
        })
    }

    /// Says when the caller stops waiting, and what the message refers to.
    pub(crate) fn wait_and_hold(&mut self, until: Option<Instant>, held: Option<Held>) {
        // A call is large, and not moved about without need.
        (self.until, self.held) = (until, held);
    }

    /// Adds the caller's block: a reference, as one Marshal stream of the message.
    pub(crate) fn pass_at(&mut self, stream: Range<usize>) {
        let Some(reply) = &mut self.reply else { return };
        let scope = reply.begin_scope();
        self.args.pass_at(stream, scope);
    }

    /// Adds the caller's block.
    pub(crate) fn pass(&mut self, block: Remote) {
        let Some(reply) = &mut self.reply else { return };
        let scope = reply.begin_scope();
        self.args.pass(Caller::Remote(block), scope);
    }

    /// The arguments for later, and the reply that is still to be written.
    pub fn take_owned(&mut self) -> (OwnedArgs, Reply) {
        (self.args.to_owned().holding(self.held.take()), self.take_reply())
    }

    /// The message is loaded: what it refers to and nobody has kept is given back.
    pub(super) fn let_go(&mut self) {
        self.held = None;
    }

    pub(super) fn take_reply(&mut self) -> Reply {
        self.reply.take().unwrap_or_else(|| Reply::new(self.wire, &Arc::default(), None))
    }

    /// The method's name on the wire.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The circumstances, for a parameter marked `#[drb(context)]`.
    pub fn context(&self) -> Context {
        self.context.with_deadline(self.until)
    }

    /// An object of `class` has no such method, or doesn't expose it. The text is Ruby's.
    pub fn no_method(&mut self, class: &str) -> Invoked {
        let message = format!("undefined method '{}' for #<{class}>", self.method);
        self.refuse(Exception::new("NoMethodError", message))
    }

    /// The arguments would arrive as others than their caller means.
    pub(super) fn refuse_as(&mut self, info: &MethodInfo) -> Invoked {
        match self.signature {
            Some(signature) => self.refuse(signature.refusal(info)),
            None => self.no_method(""),
        }
    }

    /// The arguments cannot be loaded.
    #[cold]
    pub(super) fn refuse_for(&mut self, error: &LoadError) -> Invoked {
        self.refuse(match (self.signature, self.info) {
            (Some(signature), Some(info)) => signature.explain(error, info),
            _ => error.into(),
        })
    }

    /// The method is not called, and the caller is told why.
    pub fn refuse(&mut self, exception: Exception) -> Invoked {
        Invoked::Done(self.take_reply().refusal(exception))
    }

    /// Calls the same method of another object: the one that this one stands for.
    pub fn pass_on(&mut self, object: Arc<dyn Dispatch>) -> Invoked {
        super::call(object, self)
    }
}
