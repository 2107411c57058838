//! The servers of this process, for references that come home.

use super::{ServerSession, Shared, shared::Whereabouts};
use crate::{
    Current, Error, Reference, Total, dispatch::Dispatch, local::LocalSession, timer::now,
    wire::ServerHome,
};
use drb_core::native::Connection;
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
static SERVERS: RwLock<Vec<Known>> = RwLock::new(Vec::new());

struct Known {
    at: Arc<Whereabouts>,
    server: Weak<Shared>,
}

impl Known {
    fn new(server: &Arc<Shared>) -> Self {
        Self { at: Arc::clone(&server.whereabouts), server: Arc::downgrade(server) }
    }
}

/// What all servers of this process have exported.
static TOTAL: LazyLock<Total> = LazyLock::new(Total::default);

pub(super) fn total() -> Total {
    TOTAL.clone()
}

pub(super) fn add(server: &Arc<Shared>) {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|known| known.server.strong_count() > 0);
    servers.push(Known::new(server));
}

/// The same for one that serves within the process, whose name is to be its own.
///
/// # Errors
/// Another one has it.
pub(super) fn add_named(server: &Arc<Shared>) -> Result<(), Error> {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    let runs = |known: &Known| known.server.strong_count() > 0 && !known.at.has_ended();
    if servers.iter().any(|known| known.at.is_here(&server.uri) && runs(known)) {
        let source = Arc::new(ErrorKind::AddrInUse.into());
        return Err(Error::Listen { uri: Arc::clone(&server.uri), source });
    }
    servers.push(Known::new(server));
    Ok(())
}

/// A name for a server that serves within the process.
pub(super) fn new_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

/// The server that serves at a URI within the process.
pub(crate) fn named(uri: &str) -> Option<Arc<Shared>> {
    find(|at| at.is_named(uri) && !at.has_ended())
}

/// The server that the call came through that is being served, and the URI at which its peer reaches
/// that, if its peer has named one that others can use.
pub(crate) fn serving() -> Option<(Arc<Shared>, Option<Arc<str>>)> {
    let current = Current::get()?;
    let session: &dyn Any = &**current.session();
    let (server, uri) = if let Some(session) = session.downcast_ref::<ServerSession>() {
        (Arc::clone(&session.shared), Some(&session.uri))
    } else if let Some(connection) = session.downcast_ref::<Connection>() {
        (ServerHome::server_of(connection)?, None)
    } else {
        let server = session.downcast_ref::<LocalSession>()?.server();
        (Arc::clone(server), Some(&server.uri))
    };
    let serves = !server.has_ended() && !Arc::ptr_eq(&server, within());
    serves.then(|| (server, uri.cloned()))
}

pub(super) fn remove(server: &Arc<Shared>) {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|known| !Arc::ptr_eq(&known.at, &server.whereabouts));
}

/// That of the current call, if there is one, else the first one, as in Ruby.
pub(crate) fn current() -> Option<Arc<Shared>> {
    serving().map(|(server, _)| server).or_else(|| first(|_| true))
}

/// The server through which other processes call us back, and the URI at which the peer of the current
/// call reaches it: the current one, if it can be reached. One that is behind a server elsewhere is the last
/// resort: only that one can call it.
pub(crate) fn reachable() -> Option<(Arc<Shared>, Option<Arc<str>>)> {
    let dialled = |at: &Whereabouts| !at.is_local() && !at.is_behind();
    let serving = serving().filter(|(server, _)| dialled(&server.whereabouts));
    let other = || first(dialled).or_else(|| first(|at| !at.is_local()));
    serving.or_else(|| other().map(|server| (server, None)))
}

/// The server of this process through which the process at a URI of drbfire calls us back.
#[cfg(feature = "fire")]
pub(crate) fn behind(uri: &str) -> Option<Arc<Shared>> {
    let serving = serving().map(|(server, _)| server);
    let serving = serving.filter(|server| server.whereabouts.is_behind_that(uri));
    serving.or_else(|| first(|at| at.is_behind_that(uri)))
}

/// The first server that runs and is wanted. One of the caller's own runtime goes first, since it lives as
/// long as the caller.
fn first(wanted: impl Fn(&Whereabouts) -> bool) -> Option<Arc<Shared>> {
    let runtime = Handle::try_current().ok().map(|runtime| runtime.id());
    let wanted = |at: &Whereabouts| !at.has_ended() && wanted(at);
    find(|at| at.runtime == runtime && wanted(at)).or_else(|| find(wanted))
}

/// The first server that is wanted. No other one is touched.
fn find(wanted: impl Fn(&Whereabouts) -> bool) -> Option<Arc<Shared>> {
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let mut wanted = servers.iter().filter(|known| wanted(&known.at));
    wanted.find_map(|known| known.server.upgrade())
}

/// The server of this process that the reference leads to, if it leads to one. What others say of those
/// that serve within the process means nothing: they don't reach them.
pub(crate) fn local(reference: &Reference) -> Option<Arc<Shared>> {
    let uri = reference.uri()?;
    // Both wires lead to the same place.
    let ruby = match uri.split_once(':') {
        Some(("drb", rest)) => Some(format!("druby:{rest}")),
        Some(("drbs", rest)) => Some(format!("drbssl:{rest}")),
        Some(("drb+unix", rest)) => Some(format!("drbunix:{rest}")),
        _ => None,
    };
    let uri = ruby.as_deref().unwrap_or(uri);
    find(|at| at.is_here(uri) && !at.is_local())
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
