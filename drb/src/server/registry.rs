//! The servers of this process, for references that come home.

use super::{ServerSession, Shared, accept::discard};
use crate::{Current, Reference, Total, dispatch::Dispatch, timer::now};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, Weak};
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

pub(super) fn remove(server: &Arc<Shared>) {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(server)));
}

/// The server through which we are called back, and the URI at which the peer of the current call
/// reaches it, as in Ruby: that of the current call, if there is one, else the first one. One of the
/// caller's own runtime goes first, since it lives as long as the caller.
pub(crate) fn current() -> Option<(Arc<Shared>, Option<Arc<str>>)> {
    if let Some(current) = Current::get()
        && let Some(session) = ServerSession::of(&current)
        && !session.shared.has_ended()
    {
        return Some((Arc::clone(&session.shared), Some(Arc::clone(&session.uri))));
    }
    let runtime = Handle::try_current().ok().map(|runtime| runtime.id());
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let running = || servers.iter().filter_map(Weak::upgrade).filter(|server| !server.has_ended());
    let first = running().find(|server| server.runtime == runtime);
    first.or_else(|| running().next()).map(|server| (server, None))
}

/// The server of this process that the reference leads to, if it leads to one.
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
    servers.iter().filter_map(Weak::upgrade).find(|server| server.is_here(uri))
}

/// The object that a reference means, if it is one of this process.
pub(crate) fn object(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    local(reference)?.objects.find(reference.id(), now())
}

/// A server that listens nowhere: it has the objects of this process that came home over a connection
/// of the native wire.
pub(crate) fn within() -> Arc<Shared> {
    static WITHIN: LazyLock<Arc<Shared>> = LazyLock::new(|| Arc::new(Shared::within()));
    let server = Arc::clone(&WITHIN);
    // Nobody else ends the leases.
    discard(server.objects.sweep(now()));
    server
}
