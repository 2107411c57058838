//! The servers of this process, for references that come home.

use super::{ServerSession, Shared};
use crate::{
    Current, Error, Reference, Total, dispatch::Dispatch, local::LocalSession, timer::now,
};
use std::{
    any::Any,
    io::ErrorKind,
    sync::{
        Arc, LazyLock, PoisonError, RwLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::runtime::Handle;

/// In the order in which they were started. It holds no server alive and no part of a runtime.
static SERVERS: RwLock<Vec<Weak<Shared>>> = RwLock::new(Vec::new());

/// What all servers of this process have exported.
static TOTAL: LazyLock<Total> = LazyLock::new(Total::default);

pub(super) fn total() -> Total {
    TOTAL.clone()
}

pub(super) fn add(server: &Arc<Shared>) {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|server| server.strong_count() > 0);
    servers.push(Arc::downgrade(server));
}

/// The same for one that serves within the process, whose name is to be its own.
///
/// # Errors
/// Another one has it.
pub(super) fn add_named(server: &Arc<Shared>) -> Result<(), Error> {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    let mut others = servers.iter().filter_map(Weak::upgrade);
    if others.any(|other| other.is_here(&server.uri) && !other.has_ended()) {
        let source = Arc::new(ErrorKind::AddrInUse.into());
        return Err(Error::Listen { uri: Arc::clone(&server.uri), source });
    }
    servers.push(Arc::downgrade(server));
    Ok(())
}

/// A name for a server that serves within the process.
pub(super) fn new_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// The server that serves at a URI within the process.
pub(crate) fn named(uri: &str) -> Option<Arc<Shared>> {
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let mut running = servers.iter().filter_map(Weak::upgrade);
    running.find(|server| server.is_local() && *server.uri == *uri && !server.has_ended())
}

/// The server that the call came through that is being served, and the URI at which its peer reaches
/// that.
pub(crate) fn serving() -> Option<(Arc<Shared>, Arc<str>)> {
    let current = Current::get()?;
    let session: &dyn Any = &**current.session();
    let (server, uri) = match session.downcast_ref::<ServerSession>() {
        Some(session) => (&session.shared, &session.uri),
        None => {
            let server = session.downcast_ref::<LocalSession>()?.server();
            (server, &server.uri)
        }
    };
    let serves = !server.has_ended() && !Arc::ptr_eq(server, within());
    serves.then(|| (Arc::clone(server), Arc::clone(uri)))
}

pub(super) fn remove(server: &Arc<Shared>) {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(server)));
}

/// That of the current call, if there is one, else the first one, as in Ruby.
pub(crate) fn current() -> Option<Arc<Shared>> {
    serving().map(|(server, _)| server).or_else(|| first(|_| true))
}

/// The server through which other processes call us back, and the URI at which the peer of the current
/// call reaches it: the current one, if it can be reached.
pub(crate) fn reachable() -> Option<(Arc<Shared>, Option<Arc<str>>)> {
    let serving = serving().filter(|(server, _)| !server.is_local());
    let serving = serving.map(|(server, uri)| (server, Some(uri)));
    serving.or_else(|| first(|server| !server.is_local()).map(|server| (server, None)))
}

/// The first server that is wanted. One of the caller's own runtime goes first, since it lives as long as
/// the caller.
fn first(wanted: impl Fn(&Shared) -> bool) -> Option<Arc<Shared>> {
    let runtime = Handle::try_current().ok().map(|runtime| runtime.id());
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let running = || {
        let servers = servers.iter().filter_map(Weak::upgrade);
        servers.filter(|server| !server.has_ended() && wanted(server))
    };
    running().find(|server| server.runtime == runtime).or_else(|| running().next())
}

/// The server of this process that the reference leads to, if it leads to one. What others say of those
/// that serve within the process means nothing: they don't reach them.
pub(crate) fn local(reference: &Reference) -> Option<Arc<Shared>> {
    let uri = reference.uri()?;
    // Both wires lead to the same place.
    let ruby = match uri.split_once(':') {
        Some(("drb", rest)) => Some(format!("druby:{rest}")),
        Some(("drb+unix", rest)) => Some(format!("drbunix:{rest}")),
        _ => None,
    };
    let uri = ruby.as_deref().unwrap_or(uri);
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let mut servers = servers.iter().filter_map(Weak::upgrade);
    servers.find(|server| server.is_here(uri) && !server.is_local())
}

/// The object that a reference means, if it is one of this process.
pub(crate) fn object(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    local(reference)?.objects.find(reference.id(), now())
}

/// A server that listens nowhere: the objects of this process that are of no other one.
pub(crate) fn within() -> &'static Arc<Shared> {
    static WITHIN: LazyLock<Arc<Shared>> = LazyLock::new(|| Arc::new(Shared::within()));
    &WITHIN
}
