//! The servers of this process, for references that come home.

use super::Shared;
use crate::{Reference, Total, dispatch::Dispatch};
use std::{
    sync::{Arc, LazyLock, PoisonError, RwLock, Weak},
    time::Instant,
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

pub(super) fn remove(server: &Arc<Shared>) {
    let mut servers = SERVERS.write().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(server)));
}

/// The first server that still runs: the one through which we are called back, where a client passes
/// an object of this process by reference. One of the caller's own runtime goes first, since it lives
/// as long as the caller.
pub(crate) fn primary() -> Option<Arc<Shared>> {
    let runtime = Handle::try_current().ok().map(|runtime| runtime.id());
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let running = || servers.iter().filter_map(Weak::upgrade).filter(|server| !server.has_ended());
    running().find(|server| Some(server.runtime) == runtime).or_else(|| running().next())
}

/// The server of this process that the reference leads to, if it leads to one.
pub(crate) fn local(reference: &Reference) -> Option<Arc<Shared>> {
    let uri = reference.uri()?;
    let servers = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    servers.iter().filter_map(Weak::upgrade).find(|server| server.is_here(uri))
}

/// The object that a reference means, if it is one of this process.
pub(crate) fn object(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    local(reference)?.objects.find(reference.id(), Instant::now())
}

/// Takes an object of this process out of its server's table.
pub(crate) fn withdraw(reference: &Reference) {
    if let Some(server) = local(reference) {
        server.objects.withdraw(reference.id());
    }
}
