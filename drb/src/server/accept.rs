//! Takes connections in, until the server ends.

use super::{
    Phase, Shared,
    connection::{Connection, Stopper},
    registry,
};
use crate::{
    Context, Peer, Wire,
    dispatch::Dispatch,
    net::{Listener, Stream, local_address},
};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{Id, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};

/// How often the table is swept for objects whose lease is over: at most, and at least if the lease
/// is that short.
const SWEEP: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// After an error of accepting (no file descriptors left, for one) the next attempt is made after a
/// pause, which grows from the first to the second of these as long as errors last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

pub(super) struct Accept {
    pub(super) shared: Arc<Shared>,
    pub(super) listener: Listener,
    /// Whether references carry the address that the peer has connected to.
    pub(super) per_connection: bool,
    pub(super) phases: watch::Receiver<Phase>,
    pub(super) end: watch::Sender<bool>,
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    stoppers: HashMap<Id, Arc<Stopper>>,
}

/// Accepts, and when the server is stopped, waits for the calls that run.
pub(super) async fn run(accept: Accept) {
    let Accept { shared, listener, per_connection, mut phases, end } = accept;
    // Where the runtime ends, this is dropped.
    let ended = Ended(Arc::clone(&shared));
    let mut open = Open::default();
    tokio::select! {
        () = serve(&shared, &listener, per_connection, &mut open) => {}
        () = reached(&mut phases, |phase| phase != Phase::Running) => {}
    }
    // Whoever connects from here on is refused by the system.
    drop(listener);
    drop(ended);
    for stopper in open.stoppers.values() {
        stopper.stop();
    }
    tokio::select! {
        () = async { while open.tasks.join_next().await.is_some() {} } => {}
        () = reached(&mut phases, |phase| phase == Phase::Aborting) => open.tasks.shutdown().await,
    }
    // Nobody can call them any more.
    discard(shared.objects.clear());
    end.send_replace(true);
}

/// Takes a server off the list: it accepts no more calls.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        registry::remove(&self.0);
        self.0.end();
    }
}

/// The objects' destructors are not ours.
fn discard(objects: Vec<Arc<dyn Dispatch>>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(objects)));
}

/// Waits for a phase. A server whose handles are all dropped stays in the one that it is in.
async fn reached(phases: &mut watch::Receiver<Phase>, wanted: impl Fn(Phase) -> bool) {
    if phases.wait_for(|phase| wanted(*phase)).await.is_err() {
        std::future::pending().await
    }
}

/// Never ends by itself, whatever goes wrong.
async fn serve(shared: &Arc<Shared>, listener: &Listener, per_connection: bool, open: &mut Open) {
    let mut sweep = interval((shared.objects.lease() / 2).clamp(SWEEP.0, SWEEP.1));
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pause = PAUSE.0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    pause = PAUSE.0;
                    admit(shared, stream, peer, per_connection, open);
                }
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
            },
            Some(ended) = open.tasks.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                open.stoppers.remove(&id);
            }
            _ = sweep.tick() => {
                discard(shared.objects.sweep(Instant::now().into_std()));
            }
        }
    }
}

/// Takes one connection in, unless who it is or how many there are speaks against it.
fn admit(shared: &Arc<Shared>, stream: Stream, peer: Peer, per_connection: bool, open: &mut Open) {
    if open.tasks.len() >= shared.limits.connections {
        return;
    }
    let seat = match &peer {
        Peer::Tcp(address) => {
            if shared.acl.as_ref().is_some_and(|acl| !acl.allows(address.ip())) {
                return;
            }
            match shared.seat(address.ip()) {
                Some(seat) => Some(seat),
                None => return,
            }
        }
        _ => None,
    };
    let uri = match local_address(&stream) {
        Some(address) if per_connection => shared.reached_at(address.to_string()),
        _ => Arc::clone(&shared.uri),
    };
    let context = Context::new(peer, Wire::Ruby, uri);
    let stopper = Arc::new(Stopper::default());
    let connection = Connection::new(stream, Arc::clone(shared), context, Arc::clone(&stopper));
    let task = open.tasks.spawn(async move {
        connection.run().await;
        drop(seat);
    });
    open.stoppers.insert(task.id(), stopper);
}
