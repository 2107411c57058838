//! What Ruby's `drb/gw` is: a process between two networks that don't reach each other.

use drb::{
    Block, DumpError, Object, Proxy, Reference, Server, Session, Value,
    dispatch::{Dispatch, Incoming, Invoked, MethodInfo},
    prelude::*,
};
use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// Has a server on each network. Those there offer their objects to each other under keys, and call
/// them through it: whatever reference goes through the gateway is replaced by one to a [`Relay`] in
/// it, in arguments, results and what is yielded to blocks.
#[derive(Default, DrbUndumped)]
pub struct Gateway {
    offered: Mutex<HashMap<Value, Value>>,
    /// By the scheme of their URIs.
    servers: Mutex<HashMap<String, Server>>,
    /// So that an object has one relay, as long as somebody uses it.
    relays: Mutex<HashMap<Reference, Weak<Relay>>>,
}

/// The methods are those of Ruby's `DRb::GW`.
#[drb::service]
impl Gateway {
    /// What is offered under a key, or `nil`.
    #[drb(name = "[]")]
    pub fn get(&self, key: Value) -> Value {
        lock(&self.offered).get(&key).cloned().unwrap_or_default()
    }

    /// Offers something.
    #[drb(name = "[]=")]
    pub fn set(&self, key: Value, value: Value) {
        lock(&self.offered).insert(key, value);
    }
}

impl Gateway {
    /// Listens on a further network, of another scheme than the others.
    ///
    /// # Errors
    /// As [`drb::start_service`].
    pub async fn join(self: &Arc<Self>, uri: &str) -> drb::Result<Server> {
        let scheme = scheme(uri).to_owned();
        let (gateway, side) = (Arc::clone(self), scheme.clone());
        let server = Server::builder()
            .front(Arc::clone(self))
            .hand_on(move |reference, session| gateway.hand_on(&side, reference, session))
            .start(uri)
            .await?;
        lock(&self.servers).insert(scheme, server.clone());
        Ok(server)
    }

    /// What peers on the network `side` are given in place of a reference.
    fn hand_on(
        self: &Arc<Self>,
        side: &str,
        reference: &Reference,
        session: &dyn Session,
    ) -> Result<Option<Reference>, DumpError> {
        let Some(there) = reference.uri().map(scheme) else { return Ok(None) };
        let object = match session.local(reference) {
            Some(object) => match relay(&object) {
                // It has come back to the network that it is from.
                Some(relay) if relay.is_on(side) => {
                    return Ok(Some(relay.target.reference().clone()));
                }
                _ => object,
            },
            None if there == side => return Ok(None),
            None => self.relay(reference, session),
        };
        session.export(object).map(Some)
    }

    fn relay(self: &Arc<Self>, reference: &Reference, session: &dyn Session) -> Arc<Relay> {
        let mut relays = lock(&self.relays);
        if let Some(relay) = relays.get(reference).and_then(Weak::upgrade) {
            return relay;
        }
        relays.retain(|_, relay| relay.strong_count() > 0);
        let target = Object::from_remote(session.remote(reference.clone()));
        let relay = Arc::new(Relay { gateway: Arc::clone(self), target });
        relays.insert(reference.clone(), Arc::downgrade(&relay));
        relay
    }
}

/// Stands in the gateway for an object on the other network, and passes on every call. The gateway holds
/// it as every object that it gives away: for a lease, which each call renews.
///
/// No macro makes this one: a service has the methods that are written down, a relay has those of an
/// object that it knows nothing of.
pub struct Relay {
    gateway: Arc<Gateway>,
    target: Object,
}

impl Dispatch for Relay {
    fn class(&self) -> &'static str {
        "DRb::DRbObject"
    }

    /// Which methods there are is for the object's own process to say.
    fn find(&self, _: &str) -> Option<usize> {
        Some(0)
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        let method = call.method().to_owned();
        let loaded = call.load(|args| {
            // All arguments, those by name as the last of them.
            args.expect(0, 0, true, false)?;
            let block = args.optional_block::<Vec<Value>, Value>()?;
            Ok((args.rest("arguments")?, block))
        });
        match loaded {
            Ok(((arguments, block), reply)) => Invoked::run(reply, |reply| async move {
                reply.result(self.forward(&method, arguments, block).await)
            }),
            Err(refused) => refused,
        }
    }
}

impl Relay {
    async fn forward(
        &self,
        method: &str,
        arguments: Vec<Value>,
        block: Option<Block<Vec<Value>, Value>>,
    ) -> drb::Result<Value> {
        let result = match block {
            None => self.within(|| self.target.call(method, arguments)).await,
            Some(block) => {
                let pass =
                    |yielded: Vec<Value>| block.call(yielded.into_iter().map(plain).collect());
                self.within(|| self.target.call_with(method, arguments, pass)).await
            }
        };
        result.map(plain)
    }

    /// Makes a call through the server on the object's network, where it can call back.
    fn within<T>(&self, call: impl FnOnce() -> T) -> T {
        let scheme = self.target.reference().uri().map(scheme).unwrap_or_default();
        let server = lock(&self.gateway.servers).get(scheme).cloned();
        match server {
            Some(server) => server.as_current(call),
            None => call(),
        }
    }

    fn is_on(&self, side: &str) -> bool {
        self.target.reference().uri().map(scheme) == Some(side)
    }
}

/// The relay that an object of this process is, if it is one.
fn relay(object: &Arc<dyn Dispatch>) -> Option<&Relay> {
    let object: &dyn Any = &**object;
    object.downcast_ref()
}

/// An array that Ruby passes in a form of its own is opened, as there may be references in it.
fn plain(value: Value) -> Value {
    match &value {
        Value::Dumped(dumped) if dumped.class() == "DRb::DRbArray" => {
            dumped.unwrap().unwrap_or(value)
        }
        _ => value,
    }
}

fn scheme(uri: &str) -> &str {
    uri.split_once(':').map_or(uri, |(scheme, _)| scheme)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
