//! Calls within this process, which use no wire: of servers that are named `drb+local:…`, and of
//! references that come home.
//!
//! A call runs in the task of its caller, straight through the table of methods, and means the same as
//! one from elsewhere: arguments are copied (in the form of the native wire), and only the methods that
//! are exposed can be called.

mod call;
mod calls;
mod objects;
mod session;

pub(crate) use calls::Calls;
pub(crate) use objects::{clear, object, revoke, withdraw};
pub(crate) use session::LocalSession;

use crate::{
    Carried, Client, Closed, Closing, Error, Limits, Link, ObjectId, Proxy, Reference, Remote,
    Request, Served, Service, Session, Wire,
    dispatch::Dispatch,
    later,
    server::{self, Shared},
    timer::now,
};
use objects::Place;
use std::{
    io::{self, ErrorKind},
    sync::{Arc, Mutex, PoisonError, Weak},
    task::Context,
};

/// The proxy of an object of this process, without a server: for tests, and for what may become a
/// service of another process later.
///
/// The proxy holds the object, and its calls mean the same as those of a proxy that is connected:
/// arguments and results are copied, objects and closures go by reference, deadlines hold, and a dropped
/// call is cancelled. They run in the task of the caller.
///
/// ```
/// use drb::prelude::*;
/// use std::sync::Arc;
///
/// #[derive(DrbUndumped)]
/// struct Clock;
///
/// #[drb::service]
/// impl Clock {
///     pub fn hour(&self) -> u8 {
///         12
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// let clock = Arc::new(Clock);
/// let proxy: ClockProxy = drb::local(Arc::clone(&clock));
/// assert_eq!(proxy.hour().await?, 12);
/// assert!(Arc::ptr_eq(&clock, &proxy.local::<Clock>().unwrap()));
/// # Ok(())
/// # }
/// ```
///
/// A server with a name serves within the process as well: `drb::start_service("drb+local:clock", Clock)`.
pub fn local<O: Served>(object: O) -> <O::Service as Service>::Proxy {
    Proxy::from_remote(LocalLink::of(object.into_object()))
}

/// Makes a call of an object of this process that is of no server.
pub(crate) async fn call(
    object: Arc<dyn Dispatch>,
    request: Request,
) -> Result<crate::Response, Error> {
    let (link, _) = LocalLink::hold(object);
    call::call(link, request).await
}

/// The way to an object of this process.
pub(crate) struct LocalLink {
    /// An object of the server may hold this; it doesn't hold its server.
    server: Weak<Shared>,
    /// Calls what comes back and is elsewhere.
    client: Client,
    limits: Arc<Limits>,
    target: Target,
}

enum Target {
    /// The server's table has it. If the server goes, another one may have its name.
    Table(ObjectId, Option<Arc<str>>),
    /// Whoever has the link has the object.
    Held(Held),
    /// It is gone.
    Gone,
}

struct Held {
    place: Place,
    /// `None` if it was withdrawn.
    object: Mutex<Option<Arc<dyn Dispatch>>>,
    /// Whether the server has given it away: then it ends with the server. Else it was passed to the
    /// server, or is of nobody.
    given: bool,
}

impl LocalLink {
    /// The proxy of an object of this process that is of no server.
    pub(crate) fn of(object: Arc<dyn Dispatch>) -> Remote {
        let (link, reference) = Self::hold(object);
        Remote::new(link, reference)
    }

    fn hold(object: Arc<dyn Dispatch>) -> (Arc<Self>, Reference) {
        let server = server::within();
        objects::hold(object, server, &server.client, false)
    }

    /// The proxy of an object of a server of this process.
    pub(crate) fn remote(server: &Arc<Shared>, reference: Reference) -> Remote {
        Self::table(server, server.client.clone(), Arc::clone(&server.limits), reference)
    }

    /// The proxy of the object at a URI of a server of this process that has a name.
    ///
    /// # Errors
    /// There is no such server.
    pub(crate) fn connect(client: &Client, reference: Reference) -> Result<Remote, Error> {
        let server = reference.uri().and_then(server::named);
        let server = server.ok_or_else(|| no_server(reference.uri().unwrap_or_default()))?;
        Ok(Self::table(&server, client.clone(), Arc::clone(client.shared_limits()), reference))
    }

    fn table(
        server: &Arc<Shared>,
        client: Client,
        limits: Arc<Limits>,
        reference: Reference,
    ) -> Remote {
        let name = server.is_local().then(|| Arc::clone(&server.uri));
        let target = Target::Table(reference.id().clone(), name);
        let server = Arc::downgrade(server);
        Remote::new(Arc::new(Self { server, client, limits, target }), reference)
    }

    /// A proxy whose calls are told that there is no such object.
    fn gone(session: &LocalSession, reference: Reference) -> Remote {
        let server = Arc::downgrade(session.server());
        let (client, limits) = (session.client().clone(), Arc::clone(&session.server().limits));
        Remote::new(Arc::new(Self { server, client, limits, target: Target::Gone }), reference)
    }

    /// The server that a call goes to.
    ///
    /// # Errors
    /// It has ended.
    fn server(&self) -> Result<Arc<Shared>, Error> {
        let server = self.server.upgrade();
        match &self.target {
            // Whoever was passed the object may call it to the end.
            Target::Held(Held { given: false, .. }) => {
                Ok(server.unwrap_or_else(|| Arc::clone(server::within())))
            }
            Target::Table(_, Some(name)) => {
                let server = server.filter(|server| !server.has_ended());
                server.or_else(|| server::named(name)).ok_or_else(|| no_server(name))
            }
            _ => server.filter(|server| !server.has_ended()).ok_or(Error::Stopped),
        }
    }

    fn object(&self, server: &Shared) -> Option<Arc<dyn Dispatch>> {
        match &self.target {
            Target::Table(id, _) => server.objects.find(id, now()),
            Target::Held(held) => held.object(),
            Target::Gone => None,
        }
    }

    /// Whether its calls are served by the server: those of what was passed to it aren't.
    fn is_served(&self) -> bool {
        !matches!(&self.target, Target::Held(Held { given: false, .. }))
    }
}

impl Held {
    fn object(&self) -> Option<Arc<dyn Dispatch>> {
        self.object.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self) -> Option<Arc<dyn Dispatch>> {
        self.object.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn no_server(uri: &str) -> Error {
    let source = io::Error::new(ErrorKind::NotFound, "no server of this process has that name");
    Error::Connect { uri: uri.into(), source: Arc::new(source) }
}

impl Link for LocalLink {
    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        let server = self.server.upgrade();
        let server = server.unwrap_or_else(|| Arc::clone(server::within()));
        Some(Arc::new(LocalSession::new(server, self.client.clone(), false)))
    }

    fn local(&self) -> Option<Arc<dyn Dispatch>> {
        match &self.target {
            Target::Held(held) => held.object(),
            // Its name means nothing elsewhere.
            Target::Table(_, Some(_)) => self.object(&*self.server().ok()?),
            // Others reach it at its URI.
            Target::Table(_, None) | Target::Gone => None,
        }
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        let given = self.is_served();
        Closing::new(async move {
            let withdrawn = objects::changes();
            let stops = self.server.upgrade().map(|server| server.withdrawals.subscribe());
            let (Target::Table(id, _), Some(stops)) = (&self.target, stops) else {
                return self.held_closed(given, withdrawn).await;
            };
            // The server is not held meanwhile.
            server::closed(self.server.clone(), stops, id).await
        })
    }

    fn pipeline(self: Arc<Self>, first: Box<Request>) -> Remote {
        later::pipeline(self, first)
    }

    fn carry(self: Arc<Self>, request: &mut Request, _: &Context<'_>, carried: &mut Carried) {
        *carried = Carried::new(call::call(self, request.take()));
    }

    fn lets_go(&self) -> bool {
        // What is in the server's table is there until its lease ends.
        matches!(self.target, Target::Held(_))
    }

    fn dismiss(self: Arc<Self>, mut request: Box<Request>) {
        crate::wait::spawn(call::call(self, request.take()));
    }
}

impl LocalLink {
    /// Waits until the object that the link holds is withdrawn, or its server ends.
    async fn held_closed(
        &self,
        given: bool,
        mut withdrawn: tokio::sync::watch::Receiver<()>,
    ) -> Closed {
        let mut stops = self.server.upgrade().map(|server| server.withdrawals.subscribe());
        loop {
            if given && self.server().is_err() {
                return Closed::Stopped;
            }
            match &self.target {
                Target::Held(held) if held.object().is_some() => {}
                _ => return Closed::Withdrawn,
            }
            let stopped = async {
                match &mut stops {
                    // If the sender is gone, so is the server.
                    Some(stops) if given => drop(stops.changed().await),
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = withdrawn.changed() => {}
                () = stopped => {}
            }
        }
    }
}

impl Drop for LocalLink {
    fn drop(&mut self) {
        if let Target::Held(held) = &mut self.target {
            objects::forget(held, &self.server);
            let object = held.object.get_mut().unwrap_or_else(PoisonError::into_inner).take();
            // What its destructor does is not ours.
            server::discard(object.into_iter().collect());
        }
    }
}
