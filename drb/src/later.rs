//! The object that a call is going to give, on ways that know no promises: each call on it waits until it
//! is there, and is made then.

use crate::{
    Carried, Closed, Closing, Current, Error, Given, Limits, Link, Loaded, ObjectId, OneRelay,
    Outcome, Reference, Relay, Remote, Request, Response, Returns, Session, Wakers, Wire,
    dispatch::Dispatch,
    local::{self, LocalSession},
    timer::now,
};
use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::{runtime::Handle, time::timeout};

/// Calls an object that a call is going to give.
struct Later {
    first: Mutex<First>,
    limits: Arc<Limits>,
    /// Those who wait for the object.
    wakers: Arc<Wakers>,
    reference: Reference,
    this: Weak<Self>,
    /// The object as one of this process, for others, as long as it isn't there.
    relay: OneRelay,
}

/// The call that gives the object.
enum First {
    Unmade(Arc<dyn Link>, Box<Request>),
    Made(Carried),
    /// Somebody goes on with it right now.
    Busy,
    Given(Given),
    Failed(Error),
}

/// No connection's objects are in this table.
const TABLE: u64 = u64::MAX;

/// The object that `first`, a call by `way`, is going to give.
pub(crate) fn pipeline(way: Arc<dyn Link>, first: Box<Request>) -> Remote {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let reference = Reference::without_uri(ObjectId::Promise { table: TABLE, number });
    let later = Arc::new_cyclic(|this: &Weak<Later>| Later {
        limits: Arc::clone(way.limits()),
        first: Mutex::new(First::Unmade(way, first)),
        wakers: Arc::default(),
        reference: reference.clone(),
        this: this.clone(),
        relay: OneRelay::default(),
    });
    Remote::new(later, reference)
}

impl Later {
    fn first(&self) -> MutexGuard<'_, First> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the call if that is still to be done, and goes on with it. Ready with the object, or with why
    /// there is none.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Remote, Error>> {
        self.wakers.add(context.waker());
        let waker = Waker::from(Arc::clone(&self.wakers));
        let mut first = self.first();
        let mut carried = match mem::replace(&mut *first, First::Busy) {
            First::Unmade(way, mut request) => {
                request.until = Current::until();
                // It may run a method of this process, where this may be called.
                drop(first);
                // It is polled for all who wait.
                let mut carried = Carried::Nothing;
                way.carry(&mut request, &Context::from_waker(&waker), &mut carried);
                carried
            }
            First::Made(carried) => {
                drop(first);
                carried
            }
            First::Busy => return Poll::Pending,
            First::Given(given) => {
                let remote = given.remote().clone();
                *first = First::Given(given);
                return Poll::Ready(Ok(remote));
            }
            First::Failed(error) => {
                *first = First::Failed(error.clone());
                return Poll::Ready(Err(error));
            }
        };
        let polled = Pin::new(&mut carried).poll(&mut Context::from_waker(&waker));
        let Poll::Ready(response) = polled else {
            *self.first() = First::Made(carried);
            return Poll::Pending;
        };
        drop(carried);
        let given = Loaded::<Remote>::given(response.and_then(|mut response| response.load()))
            .and_then(|remote| Given::new(self.reference.id(), remote));
        let object = given.as_ref().map(|given| given.remote().clone()).map_err(Error::clone);
        *self.first() = match given {
            Ok(given) => First::Given(given),
            Err(error) => First::Failed(error),
        };
        self.wakers.wake_all();
        Poll::Ready(object)
    }

    async fn object(&self) -> Result<Remote, Error> {
        poll_fn(|context| self.poll(context)).await.map_err(Error::unresolved)
    }

    /// Makes a call on the object, within its deadline from now on.
    async fn call(self: Arc<Self>, mut request: Request) -> Result<Response, Error> {
        let begun = now();
        let after = request.time_left(begun)?;
        let until = after.and_then(|after| begun.checked_add(after));
        let remote = match after {
            // Without a runtime there is no clock.
            Some(after) if Handle::try_current().is_ok() => {
                let exceeded = || Error::DeadlineExceeded { after, outcome: Outcome::NotExecuted };
                timeout(after, self.object()).await.map_err(|_| exceeded())??
            }
            _ => self.object().await?,
        };
        request.until = until;
        // What it was dumped for is this process.
        local::call(Arc::new(Relay::new(remote)), request).await
    }
}

impl Link for Later {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::new(LocalSession::within()))
    }

    fn carry(self: Arc<Self>, request: &mut Request, _: &Context<'_>, carried: &mut Carried) {
        *carried = Carried::new(self.call(request.take()));
    }

    fn pipeline(self: Arc<Self>, first: Box<Request>) -> Remote {
        pipeline(self, first)
    }

    fn resolved(&self) -> Option<Remote> {
        match &*self.first() {
            First::Given(given) => Some(given.remote().clone()),
            _ => None,
        }
    }

    fn local(&self) -> Option<Arc<dyn Dispatch>> {
        if let Some(remote) = self.resolved() {
            return remote.link().local();
        }
        let this = self.this.upgrade()?;
        Some(self.relay.get(|| Remote::new(this, self.reference.clone())))
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        Closing::new(async move {
            match self.object().await {
                Ok(remote) => remote.closed().await,
                Err(_) => Closed::Unresolved,
            }
        })
    }
}
