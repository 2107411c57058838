//! The object that a call of this side is going to give, before it is there.

use super::{Connection, Waiting};
use crate::{
    Carried, Closed, Closing, Current, Error, Given, Limits, Link, Loaded, ObjectId, OneRelay,
    Reference, Remote, Request, Returns, Session, Wire, dispatch::Dispatch, unresolved,
    wakers::Wakers,
};
use std::{
    any::Any,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker, ready},
};

/// Calls the object that a call is going to give. That call is made together with the first one on the
/// object, and is cancelled when nobody wants the object any more.
pub(crate) struct Promised {
    connection: Arc<Connection>,
    number: u64,
    /// How calls get to the connection: the way of the call that gives the object.
    way: Arc<dyn Link>,
    first: Mutex<First>,
    /// Those who wait for the object itself.
    wakers: Arc<Wakers>,
    this: Weak<Self>,
    /// The object as one of this process, for others, as long as it isn't there.
    relay: OneRelay,
}

/// The call that gives the object.
enum First {
    Unmade(Box<Request>),
    Made(Waiting),
    /// It has an answer, at which somebody looks right now.
    Busy,
    /// It has given the object.
    Given(Given),
    Failed(Error),
}

/// The object that `first` is going to give, a call over a connection of the native wire that goes there by
/// `way`.
pub fn pipeline(way: Arc<dyn Link>, first: Box<Request>) -> Remote {
    let session: Option<Arc<dyn Any + Send + Sync>> =
        first.session.clone().filter(|_| first.native.is_some()).map(|session| session as _);
    match session.and_then(|session| session.downcast().ok()) {
        Some(connection) => Promised::remote(connection, way, first),
        None => {
            let problem = "a request of another wire".to_owned();
            unresolved::remote(Error::Protocol { uri: "drb:".into(), problem })
        }
    }
}

impl Promised {
    fn remote(connection: Arc<Connection>, way: Arc<dyn Link>, mut first: Box<Request>) -> Remote {
        let number = connection.protocol().next_promise();
        let table = connection.tables().peer_objects;
        let reference = Reference::without_uri(ObjectId::Promise { table, number });
        if let Some(native) = &mut first.native {
            native.promise = Some(number);
        }
        let promised = Arc::new_cyclic(|this| Self {
            connection,
            number,
            way,
            first: Mutex::new(First::Unmade(first)),
            wakers: Arc::default(),
            this: this.clone(),
            relay: OneRelay::default(),
        });
        Remote::new(promised, reference)
    }

    fn first(&self) -> MutexGuard<'_, First> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_of(&self, connection: &Arc<Connection>) -> bool {
        Arc::ptr_eq(&self.connection, connection)
    }

    /// The promises on whose objects the call is to be made, from this one on, as long as their calls
    /// are not made.
    fn unmade(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut unmade = Vec::new();
        let mut next = Some(Arc::clone(self));
        while let Some(promised) = next {
            next = match &*promised.first() {
                First::Unmade(request) => {
                    request.native.as_ref().and_then(|native| native.promised.clone())
                }
                _ => break,
            };
            unmade.push(promised);
        }
        unmade
    }

    /// Makes the call that gives the object, and those before it, if that is still to be done: a call on
    /// the object comes next.
    pub(super) fn make(self: &Arc<Self>) -> Result<(), Error> {
        for promised in self.unmade().iter().rev() {
            let mut first = promised.first();
            if let First::Unmade(request) = &mut *first {
                let mut request = std::mem::take(request);
                let connection = Arc::clone(&promised.connection);
                let made =
                    connection.make(&mut request, None, |waiting| *first = First::Made(waiting));
                if let Err(error) = made {
                    *first = First::Failed(error);
                }
            }
            drop(first);
            promised.wakers.wake_all();
        }
        match &*self.first() {
            First::Failed(error) => Err(Error::unresolved(error.clone())),
            _ => Ok(()),
        }
    }

    /// Ready with the object, or with why there is none.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Remote, Error>> {
        self.wakers.add(context.waker());
        let mut first = self.first();
        let answer = match &mut *first {
            First::Made(waiting) => {
                let waker = Waker::from(Arc::clone(&self.wakers));
                ready!(Pin::new(waiting).poll(&mut Context::from_waker(&waker)))
            }
            First::Unmade(_) | First::Busy => return Poll::Pending,
            First::Given(given) => return Poll::Ready(Ok(given.remote().clone())),
            First::Failed(error) => return Poll::Ready(Err(error.clone())),
        };
        *first = First::Busy;
        // What it has given may be a promise of this process, this one or another, which is asked for its
        // object.
        drop(first);
        let given = Loaded::<Remote>::given(answer.and_then(|mut answer| answer.load()));
        let given = given.and_then(|remote| {
            Given::new(&self.id(), remote).inspect_err(|_| {
                // The peer may hold this for its promise, which this holds.
                self.connection.protocol().let_go_promise(self.number);
            })
        });
        let object = given.as_ref().map(|given| given.remote().clone()).map_err(Error::clone);
        *self.first() = match given {
            Ok(given) => First::Given(given),
            Err(error) => First::Failed(error),
        };
        self.wakers.wake_all();
        Poll::Ready(object)
    }

    /// What has become of it by now.
    fn now(&self) -> Option<Result<Remote, Error>> {
        let answered = match &*self.first() {
            First::Unmade(_) => false,
            First::Made(waiting) => waiting.is_over(),
            First::Busy => false,
            First::Given(_) | First::Failed(_) => true,
        };
        if !answered {
            return None;
        }
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(given) => Some(given),
            Poll::Pending => None,
        }
    }

    fn id(&self) -> ObjectId {
        ObjectId::Promise { table: self.connection.tables().peer_objects, number: self.number }
    }

    /// What is held of the promise before this one.
    fn take_outer(&mut self) -> Option<Arc<Self>> {
        match self.first.get_mut().unwrap_or_else(PoisonError::into_inner) {
            First::Unmade(request) => request.native.as_mut()?.promised.take(),
            First::Made(waiting) => waiting.take_promised(),
            First::Busy | First::Given(_) | First::Failed(_) => None,
        }
    }
}

/// Nobody wants the object any more.
impl Drop for Promised {
    fn drop(&mut self) {
        let outer = self.take_outer();
        // If it has no answer, it is cancelled.
        *self.first.get_mut().unwrap_or_else(PoisonError::into_inner) =
            First::Failed(Error::Stopped);
        self.connection.protocol().forget_promise(self.number);
        // One after the other: there may be many, of which each would drop the next one.
        let mut next = outer;
        while let Some(mut promised) = next.and_then(Arc::into_inner) {
            next = promised.take_outer();
        }
    }
}

impl Link for Promised {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        self.connection.limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(&self.connection) as _)
    }

    fn carry(self: Arc<Self>, request: &mut Request, context: &Context<'_>, carried: &mut Carried) {
        if let Some(Err(error)) = self.now() {
            *carried = Carried::failed(Error::unresolved(error));
            return;
        }
        // They belong to the call that is served where they are made, as this one.
        if let Some(until) = Current::until() {
            for promised in self.unmade() {
                if let First::Unmade(first) = &mut *promised.first() {
                    first.until.get_or_insert(until);
                }
            }
        }
        let way = Arc::clone(&self.way);
        if let Some(native) = &mut request.native {
            native.promised = Some(self);
        }
        way.carry(request, context, carried);
    }

    fn pipeline(self: Arc<Self>, mut first: Box<Request>) -> Remote {
        let (connection, way) = (Arc::clone(&self.connection), Arc::clone(&self.way));
        if let Some(native) = &mut first.native {
            native.promised = Some(self);
        }
        Self::remote(connection, way, first)
    }

    fn resolved(&self) -> Option<Remote> {
        self.now()?.ok()
    }

    fn local(&self) -> Option<Arc<dyn Dispatch>> {
        if let Some(remote) = self.resolved() {
            return remote.link().local();
        }
        let this = self.this.upgrade()?;
        let reference = Reference::without_uri(self.id());
        Some(self.relay.get(|| Remote::new(this, reference)))
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        Closing::new(async move {
            match poll_fn(|context| self.poll(context)).await {
                Ok(remote) => remote.closed().await,
                Err(_) => Closed::Unresolved,
            }
        })
    }
}
