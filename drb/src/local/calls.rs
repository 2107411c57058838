//! What a server has to do with the calls that come from its own process.

use crate::{Context, Exception, Limit, Peer, Wire, server::Shared};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// The calls that run, and the objects that are held.
pub(crate) struct Calls {
    /// The circumstances of all of them.
    pub(super) context: Context,
    running: AtomicUsize,
    /// Says that none runs.
    idle: Notify,
    /// Objects that the server has given away.
    given: AtomicUsize,
    /// Objects that it was passed.
    passed: AtomicUsize,
}

impl Calls {
    pub(crate) fn new(uri: &Arc<str>) -> Self {
        Self {
            context: Context::new(Peer::Local, Wire::Native, Arc::clone(uri)),
            running: AtomicUsize::new(0),
            idle: Notify::new(),
            given: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
        }
    }

    /// Waits until no call runs.
    pub(crate) async fn ended(&self) {
        loop {
            let idle = self.idle.notified();
            if self.running.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// How many objects are held that the server has given away, or was passed.
    pub(crate) fn held(&self, given: bool) -> usize {
        self.count(given).load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, given: bool) {
        self.count(given).fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn let_go(&self, given: bool) {
        self.count(given).fetch_sub(1, Ordering::Relaxed);
    }

    fn count(&self, given: bool) -> &AtomicUsize {
        if given { &self.given } else { &self.passed }
    }
}

/// A call that a server counts, until its method has really ended.
pub(super) struct Ticket(Arc<Shared>);

impl Ticket {
    /// Counts one more. It is still to be looked whether the server has ended: which waits for those
    /// that are counted only when it has said so.
    pub(super) fn new(server: &Arc<Shared>) -> Self {
        server.local.running.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(server))
    }

    /// Looks whether there are more than the server allows.
    ///
    /// # Errors
    /// What the caller is told.
    pub(super) fn check(&self) -> Result<(), Exception> {
        let most = self.0.limits.calls;
        if self.0.local.running.load(Ordering::Relaxed) <= most {
            return Ok(());
        }
        let name = Limit::Calls.name();
        let message = format!("the peer runs as many calls as the limit `{name}` of {most} allows");
        let mut exception = Exception::new("DRb::DRbConnError", message).with("limit", name);
        exception.refused = true;
        Err(exception)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Calls { running, idle, .. } = &self.0.local;
        if running.fetch_sub(1, Ordering::SeqCst) == 1 {
            idle.notify_waiters();
        }
    }
}
