//! Calls of objects of this process: a reference that comes home doesn't touch the network.

use crate::{
    Carried, Closed, Closing, Context, Current, Error, Holder, Limits, Link, ObjectId, Outcome,
    Peer, Reference, Remote, Request, Response, Session, Wire,
    dispatch::{Completed, Dispatch, Invoked},
    ruby::{Receiver, ReplyReader, RequestReader},
    server::{self, ServerSession, Shared},
    timer::now,
};
use drb_core::native::Held;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Weak},
};

/// The way to a server of this process.
///
/// The call is made as one from elsewhere, so it means the same: arguments are copied, and only the
/// methods that are exposed can be called.
pub(crate) struct LocalLink {
    /// An object of the server may hold this; it doesn't hold its server.
    server: Weak<Shared>,
    limits: Arc<Limits>,
    /// The object, if it has come home over a native connection: whoever has the proxy holds it. Else
    /// the server's table does.
    object: Option<Arc<dyn Dispatch>>,
}

impl LocalLink {
    /// The proxy of an object of this process that has come home over a connection.
    pub(crate) fn of(object: Arc<dyn Dispatch>) -> Remote {
        let server = server::within();
        // As long as it is held, nothing else is there.
        let address = Arc::as_ptr(&object).addr() as i64;
        let reference = Reference::new(Arc::clone(&server.uri), ObjectId::Number(address));
        let link = Self {
            server: Arc::downgrade(&server),
            limits: Arc::clone(&server.limits),
            object: Some(object),
        };
        Remote::new(Arc::new(link), reference)
    }

    /// The proxy of an object of a server of this process.
    pub(crate) fn remote(server: &Arc<Shared>, reference: Reference) -> Remote {
        let (server, limits) = (Arc::downgrade(server), Arc::clone(&server.limits));
        let link = Self { server, limits, object: None };
        Remote::new(Arc::new(link), reference)
    }
}

impl Link for LocalLink {
    fn wire(&self) -> Wire {
        Wire::Ruby
    }

    fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        // What a method passes goes through its own server, whichever the object is of.
        if let Some(current) = Current::get()
            && let Some(session) = ServerSession::of(&current)
            && !session.shared.has_ended()
        {
            return Some(Arc::new(session.for_this_process()));
        }
        Some(session(&self.server.upgrade()?))
    }

    fn local(&self) -> Option<Arc<dyn Dispatch>> {
        self.object.clone()
    }

    fn closed(self: Arc<Self>, reference: &Reference) -> Closing {
        let (server, id) = (self.server.clone(), reference.id().clone());
        Closing::new(async move {
            let Some(changes) = server.upgrade().map(|server| server.withdrawals.subscribe())
            else {
                return Closed::Stopped;
            };
            // The server is not held meanwhile.
            server::closed(server, changes, &id).await
        })
    }

    fn carry(self: Arc<Self>, request: Request) -> Carried {
        Carried::new(async move {
            let now = now();
            let deadline = request.time_left(now)?;
            let call = self.call(request, deadline.and_then(|after| now.checked_add(after)));
            match deadline {
                None => call.await,
                Some(after) => tokio::time::timeout(after, call).await.unwrap_or_else(|_| {
                    Err(Error::DeadlineExceeded { after, outcome: Outcome::Unknown })
                }),
            }
        })
    }

    fn dismiss(self: Arc<Self>, request: Request) {
        crate::wait::spawn(self.carry(request));
    }
}

impl LocalLink {
    async fn call(
        &self,
        request: Request,
        until: Option<std::time::Instant>,
    ) -> Result<Response, Error> {
        let server = self.server.upgrade().filter(|server| !server.has_ended());
        let server = server.ok_or(Error::Stopped)?;
        let session = session(&server);
        let broken = |problem: String| Error::Protocol { uri: Arc::clone(&server.uri), problem };
        let head = RequestReader::new(&self.limits)
            .advance(&request.bytes)
            .map_err(|broken| Error::from_exception(broken.exception))?
            .ok_or_else(|| broken("a request that isn't whole".to_owned()))?;
        let context = Context::new(Peer::Local, Wire::Ruby, Arc::clone(&server.uri));
        let context = context.with_deadline(until);
        let receiver = Receiver {
            objects: &server.objects,
            context: &context,
            session: &session,
            limits: &self.limits,
        };
        let current = Current::next(Arc::clone(&session), self.limits.recursion);
        let mut current = current.map_err(Error::from_exception)?;
        current.wait_until(until);
        let current = Arc::new(current);
        let object = match &self.object {
            Some(object) => Some(Arc::clone(object)),
            None => server.objects.find(&head.target, now()),
        };
        let invoked = current.enter(|| receiver.call(object, &head, &request.bytes, Vec::new()));
        let Completed { bytes, .. } = match invoked {
            Invoked::Done(completed) => completed,
            Invoked::Running(mut running) if running.is_no_cancel() => {
                // Whoever waits for it may go.
                let run = async move {
                    poll_fn(|context| current.enter(|| Pin::new(&mut running).poll(context))).await
                };
                tokio::spawn(run).await.map_err(|_| Error::Stopped)?
            }
            Invoked::Running(mut running) => {
                poll_fn(|context| current.enter(|| Pin::new(&mut running).poll(context))).await
            }
            Invoked::Blocking(blocking) => {
                tokio::task::spawn_blocking(move || current.enter(|| blocking.run()))
                    .await
                    .map_err(|_| Error::Stopped)?
            }
        };
        let reply = ReplyReader::new(&self.limits)
            .advance(&bytes)
            .map_err(|error| broken(error.to_string()))?
            .ok_or_else(|| broken("a reply that isn't whole".to_owned()))?;
        let (limits, session) = (Arc::clone(&self.limits), Some(session));
        Ok(Response {
            bytes,
            body: reply.body,
            success: reply.success,
            limits,
            session,
            held: Held::default(),
            tail: None,
        })
    }
}

fn session(server: &Arc<Shared>) -> Arc<dyn Session> {
    Arc::new(ServerSession {
        shared: Arc::clone(server),
        uri: Arc::clone(&server.uri),
        holder: Holder::Local,
    })
}
