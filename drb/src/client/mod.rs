//! Clients: ways to objects of other processes.

mod builder;
mod dial;
mod exchange;
mod pool;
mod route;

pub use builder::ClientBuilder;
pub(crate) use dial::{Deadline, current_runtime};

use crate::{
    Address, Error, Limits, ObjectId, Proxy, Reference, Remote, Uri, Wire,
    local::LocalLink,
    server, tls,
    transport::Connector,
    wire::{NativeRoute, Usage},
};
use pool::Pool;
use route::Route;
use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Holds the connections to other processes, and the bounds for calls there. Clones are the same
/// client.
///
/// Most programs don't need one: `StoreProxy::connect(uri)` makes its own. One client for several
/// proxies lets these share connections; [`Client::builder`] changes the bounds.
///
/// On Ruby's wire a connection carries one call at a time, so as many are opened as calls run side
/// by side, and some are kept for the next calls.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    limits: Arc<Limits>,
    /// Makes the connections, in place of sockets.
    connector: Option<Connector>,
    /// How it speaks TLS, if it does.
    tls: Option<tls::Connecting>,
    #[cfg(feature = "ssh")]
    ssh: crate::ssh::Sessions,
    /// How many connections to one address are kept open without a call.
    idle: usize,
    pools: Mutex<BTreeMap<Arc<str>, Arc<Pool>>>,
    /// The ways over the native wire, as long as a proxy goes there.
    routes: Mutex<BTreeMap<Arc<str>, Weak<NativeRoute>>>,
}

/// Beyond so many addresses, those that no proxy is left of are forgotten.
const ADDRESSES: usize = 256;

impl Client {
    /// A client with the default bounds.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A client with other bounds.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// That of the server that the call came through that is being served here and now, or else a new
    /// one.
    pub(crate) fn current() -> Self {
        server::serving().map_or_else(Self::new, |(server, _)| server.client.clone())
    }

    /// The bounds that it keeps.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The same, to be kept.
    pub(crate) fn shared_limits(&self) -> &Arc<Limits> {
        &self.0.limits
    }

    /// What the client has to do with its peers over the native wire at the moment, the calls back
    /// included.
    pub fn usage(&self) -> Usage {
        Usage::of(|home| home.is_of_client(self))
    }

    /// Whether it is the same client.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn connector(&self) -> Option<&Connector> {
        self.0.connector.as_ref()
    }

    pub(crate) fn tls(&self) -> Option<&tls::Connecting> {
        self.0.tls.as_ref()
    }

    #[cfg(feature = "ssh")]
    pub(crate) fn ssh(&self) -> &crate::ssh::Sessions {
        &self.0.ssh
    }

    /// Notes which SSH servers the program has named itself.
    fn know(&self, address: &Address) {
        #[cfg(feature = "ssh")]
        self.0.ssh.know(address);
        #[cfg(not(feature = "ssh"))]
        let _ = address;
    }

    /// The proxy of the object at a URI: the server's front object, or the one with the name behind
    /// the `?`.
    ///
    /// It connects, so that an address where nobody listens is found out here; the object isn't
    /// asked whether it has the proxy's methods. Calls go over the connection even where the server
    /// is one of this process; only a reference that comes home takes the short way.
    ///
    /// # Errors
    /// [`Error::BadUri`], [`Error::Connect`], [`Error::Tls`].
    pub async fn connect<P: Proxy>(&self, uri: &str) -> Result<P, Error> {
        Ok(P::from_remote(self.connect_remote(uri).await?))
    }

    pub(crate) async fn connect_remote(&self, given: &str) -> Result<Remote, Error> {
        let mut uri = Uri::parse(given)?;
        let id = uri.option.take().map_or(ObjectId::Front, |name| ObjectId::Name(name.into()));
        self.know(&uri.address);
        let mut text = String::with_capacity(given.len());
        let _ = write!(text, "{uri}");
        let text: Arc<str> = text.into();
        let reference = Reference::new(Arc::clone(&text), id);
        if let Address::Local { .. } = uri.address {
            return LocalLink::connect(self, reference);
        }
        if uri.wire == Wire::Native {
            let route = self.native_route(text, uri);
            route.connect().await?;
            return Ok(Remote::new(route, reference));
        }
        let route = self.route(&reference);
        route.connect().await?;
        Ok(Remote::new(Arc::new(route), reference))
    }

    /// The untyped proxy of the object that a reference means. It doesn't connect before the first
    /// call.
    pub fn remote(&self, reference: Reference) -> Remote {
        match reference.uri().and_then(server::named) {
            Some(server) => LocalLink::remote(&server, reference),
            None => {
                if let Some(uri) = reference.uri().and_then(|uri| Uri::parse(uri).ok()) {
                    self.know(&uri.address);
                }
                self.elsewhere(reference)
            }
        }
    }

    /// The same of one that another process has sent: those don't reach what serves within this one.
    pub(crate) fn elsewhere(&self, reference: Reference) -> Remote {
        if let Some(server) = server::local(&reference) {
            return LocalLink::remote(&server, reference);
        }
        let uri = reference.uri().unwrap_or_default();
        match Uri::parse(uri) {
            Ok(to) if to.wire == Wire::Native => {
                Remote::new(self.native_route(uri.into(), to), reference)
            }
            _ => Remote::new(Arc::new(self.route(&reference)), reference),
        }
    }

    /// The one connection to a process that all proxies of the client share; `uri` is what `to` is in words.
    fn native_route(&self, uri: Arc<str>, to: Uri) -> Arc<NativeRoute> {
        let mut routes = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = routes.get(&uri).and_then(Weak::upgrade) {
            return route;
        }
        routes.retain(|_, route| route.strong_count() > 0);
        let route = Arc::new(NativeRoute::new(self.clone(), &uri, to));
        routes.insert(uri, Arc::downgrade(&route));
        route
    }

    fn route(&self, reference: &Reference) -> Route {
        let uri = reference.uri().unwrap_or_default();
        let mut pools = self.0.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(uri) {
            return Route::new(self.clone(), Arc::clone(pool));
        }
        if pools.len() >= ADDRESSES {
            pools.retain(|_, pool| Arc::strong_count(pool) > 1);
        }
        let pool = Arc::new(Pool::new(uri, self.0.idle));
        pools.insert(Arc::clone(pool.uri()), Arc::clone(&pool));
        Route::new(self.clone(), pool)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
