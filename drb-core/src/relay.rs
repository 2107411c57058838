//! Objects of one connection as objects of this process: what makes a reference reach further than
//! the connection that it came over.

use crate::{
    Call, Exception, Loaded, ObjectId, Outcome, Remote, Value, Wire,
    block::{Whole, Yielded},
    dispatch::{Dispatch, Incoming, Invoked, MethodInfo},
    stream::NEXT_ITEMS,
};
use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Passes every call on to an object elsewhere: arguments, blocks and results go through as they are,
/// and what they refer to is handed on in the same way. The object's own process says which methods
/// there are.
pub struct Relay(Remote);

impl Relay {
    /// Passes the calls on to `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }

    /// The way to the object, if `object` is one that is relayed. Whoever has that needs no relay.
    pub fn behind(object: &Arc<dyn Dispatch>) -> Option<Remote> {
        let any: &dyn Any = &**object;
        let remote = any.downcast_ref::<Self>().map(|relay| relay.0.clone())?;
        Some(remote.link().resolved().unwrap_or(remote))
    }

    /// Which promise `object` passes calls on to, if it is a relay of one.
    pub(crate) fn promise_behind(object: &Arc<dyn Dispatch>) -> Option<ObjectId> {
        let any: &dyn Any = &**object;
        let id = any.downcast_ref::<Self>()?.0.reference().id();
        matches!(id, ObjectId::Promise { .. }).then(|| id.clone())
    }
}

/// The relay of one object elsewhere, which is one and the same for all who get it, as long as anybody has
/// it.
#[derive(Default)]
pub struct OneRelay(Mutex<Weak<Relay>>);

impl OneRelay {
    /// The relay, if anybody has it.
    pub(crate) fn known(&self) -> Option<Arc<Relay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// The relay. `remote` is asked for the way to the object if there is none.
    pub fn get(&self, remote: impl FnOnce() -> Remote) -> Arc<Relay> {
        let mut relay = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        relay.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Relay::new(remote()));
            *relay = Arc::downgrade(&new);
            new
        })
    }
}

fn within<R, B>(unbounded: bool, call: Call<R, B>) -> Call<R, B> {
    if unbounded { call.no_deadline() } else { call }
}

impl Dispatch for Relay {
    fn class(&self) -> &'static str {
        "Relay"
    }

    fn find(&self, _: &str) -> Option<usize> {
        Some(0)
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        let method = call.method().to_owned();
        let loaded = call.load(|args| {
            let block = args.optional_block::<Vec<Value>, Value>()?;
            Ok((<Vec<Value> as Yielded>::load(args)?, block))
        });
        let ((arguments, block), reply) = match loaded {
            Ok(loaded) => loaded,
            Err(refused) => return refused,
        };
        // The caller's deadline is that of the call here as well, which is the one that it serves, and if it has
        // none there is none. Ruby's callers don't say. A stream may be silent for long.
        let unbounded = reply.wire() == Wire::Native || method == NEXT_ITEMS;
        Invoked::run(reply, |reply| async move {
            let mut call = self.0.begin(method, arguments.len());
            for argument in arguments {
                call.arg::<Value>(argument);
            }
            let result = match block {
                None => within(unbounded, call.call::<Loaded<Value>>()).await,
                Some(block) => {
                    let block = Whole(|arguments: Vec<Value>| block.call(arguments));
                    let call = call.call_with::<_, _, Value, Loaded<Value>, _, _>(block);
                    within(unbounded, call).await
                }
            };
            match result {
                // The caller knows no more of the call than is known here.
                Err(error) => match error.outcome() {
                    Outcome::NotExecuted => reply.refusal(error.into_exception()),
                    Outcome::Unknown if error.exception().is_none() => {
                        reply.failure(Exception::new("DRb::DRbConnError", error.to_string()))
                    }
                    _ => reply.failure(error.into_exception()),
                },
                result => reply.result(result),
            }
        })
    }
}
