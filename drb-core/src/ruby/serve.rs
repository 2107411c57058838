//! From a request to the call that it asks for.

use super::RequestHead;
use crate::{
    Context, Exception, Limits, Objects, Session,
    dispatch::{self, Args, Dispatch, Incoming, Invoked, Reply},
};
use std::{sync::Arc, time::Instant};

/// What calls that come over one connection are served with.
pub struct Receiver<'a> {
    /// The objects that can be called.
    pub objects: &'a Objects,
    /// The circumstances.
    pub context: &'a Context,
    /// What references go through.
    pub session: &'a Arc<dyn Session>,
    /// The bounds.
    pub limits: &'a Arc<Limits>,
}

impl Receiver<'_> {
    /// Calls what a request asks for: finds the object, then the method, and only then loads the
    /// arguments. `message` is the request's bytes, `reply` where the answer goes.
    pub fn serve(
        &self,
        request: &RequestHead,
        message: &[u8],
        reply: Reply,
        now: Instant,
    ) -> Invoked {
        self.call(self.objects.find(&request.target, now), request, message, reply)
    }

    /// The same where the object is known already, or that there is none.
    pub fn call(
        &self,
        object: Option<Arc<dyn Dispatch>>,
        request: &RequestHead,
        message: &[u8],
        reply: Reply,
    ) -> Invoked {
        dispatch::caught(reply.wire(), || {
            let args = Args::marshal(message, &request.args, self.limits, Some(&**self.session));
            let mut call = Incoming::new(&request.method, args, self.context, reply);
            // `nil` and `false` are no block.
            if let Some(block) = message.get(request.block.clone())
                && !matches!(block, [_, _, b'0' | b'F'])
            {
                call.pass_at(request.block.clone());
            }
            if request.method == "__send__" {
                return call.refuse(insecure(&request.method));
            }
            match object {
                Some(object) => dispatch::call(object, &mut call),
                None => call.refuse(request.target.gone()),
            }
        })
    }
}

/// Ruby closes the connection without a word, and its client then sees a DRb::DRbConnError. Here it
/// sees the same error, with the reason.
fn insecure(method: &str) -> Exception {
    Exception::new("DRb::DRbConnError", format!("insecure method '{method}'"))
}
