//! Takes connections in, until the server ends.

use super::{Phase, Shared, admit::admit, counters::add, registry, stopper::Stopper};
use crate::{
    Peer,
    dispatch::Dispatch,
    local,
    net::{Listener, Stream},
    timer::{Timer, now},
};
use std::{
    collections::HashMap,
    future::poll_fn,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::{Id, JoinSet},
    time::Instant,
};

/// How often the table is swept for objects whose lease is over: at most, and at least if the lease
/// is that short.
const SWEEP: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// After an error of accepting (no file descriptors left, for one) the next attempt is made after a
/// pause, which grows from the first to the second of these as long as errors last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// The connections that are open.
#[derive(Default)]
pub(super) struct Open {
    pub(super) tasks: JoinSet<()>,
    /// Each with its number in the order in which the connections came.
    pub(super) stoppers: HashMap<Id, (u64, Arc<Stopper>)>,
    pub(super) admitted: u64,
}

/// Accepts, and when the server is stopped, waits for the calls that run.
pub(super) async fn run(
    shared: Arc<Shared>,
    listener: Option<Listener>,
    mut streams: mpsc::Receiver<Stream>,
) {
    let over = Over(Arc::clone(&shared));
    let ended = Ended(Arc::clone(&shared));
    let mut phases = shared.phase.subscribe();
    let mut open = Open::default();
    tokio::select! {
        biased;
        () = reached(&mut phases, |phase| phase != Phase::Running) => {}
        () = serve(&shared, listener.as_ref(), &mut streams, &mut open) => {}
    }
    // Whoever connects from here on is refused by the system.
    drop((listener, streams));
    drop(ended);
    let mut stoppers: Vec<_> = open.stoppers.values().collect();
    stoppers.sort_unstable_by_key(|(number, _)| *number);
    stoppers.into_iter().for_each(|(_, stopper)| stopper.stop());
    tokio::select! {
        biased;
        () = async {
            // Connections that only lead back to clients are there for the others, and end with them.
            while open.tasks.len() > shared.ways_back() && open.tasks.join_next().await.is_some() {}
            shared.local.ended().await;
        } => {}
        () = reached(&mut phases, |phase| phase == Phase::Aborting) => open.tasks.shutdown().await,
    }
    drop(over);
}

/// Takes a server off the list: it accepts no more calls. (Where the runtime ends, too.)
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        registry::remove(&self.0);
        self.0.end();
    }
}

/// No call runs any more, and nobody can call the objects.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        discard(self.0.objects.clear());
        discard(local::clear(&self.0));
        self.0.over.send_replace(true);
    }
}

/// The objects' destructors are not ours.
pub(crate) fn discard(objects: Vec<Arc<dyn Dispatch>>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(objects)));
}

/// Waits for a phase.
async fn reached(phases: &mut watch::Receiver<Phase>, wanted: impl Fn(Phase) -> bool) {
    // It cannot fail: the sender is the server's.
    let _ = phases.wait_for(|phase| wanted(*phase)).await;
}

/// Never ends by itself, whatever goes wrong.
async fn serve(
    shared: &Arc<Shared>,
    listener: Option<&Listener>,
    streams: &mut mpsc::Receiver<Stream>,
    open: &mut Open,
) {
    let every = (shared.objects.lease() / 2).clamp(SWEEP.0, SWEEP.1);
    let (mut sweep, mut sweeps_at) = (Timer::default(), Instant::now() + every);
    let mut pause = PAUSE.0;
    loop {
        // What is bounded comes first, so that nothing waits for ever: connections last.
        tokio::select! {
            biased;
            Some(ended) = open.tasks.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                open.stoppers.remove(&id);
            }
            () = poll_fn(|context| sweep.poll(sweeps_at, context)) => {
                discard(shared.objects.sweep(now()));
                sweeps_at = Instant::now() + every;
            }
            Some(stream) = streams.recv() => {
                if let Ok(peer) = stream.peer() {
                    admit(shared, stream, peer, open);
                }
            }
            accepted = accept(listener) => match accepted {
                Ok((stream, peer)) => {
                    pause = PAUSE.0;
                    admit(shared, stream, peer, open);
                }
                Err(_) => {
                    add(&shared.counts.accept_errors);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
            },
        }
    }
}

/// The next connection; without a listener none ever comes.
async fn accept(listener: Option<&Listener>) -> io::Result<(Stream, Peer)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
