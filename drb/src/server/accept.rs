//! Takes connections in, until the server ends.

use super::{Shared, admit::admit, counters::add, registry};
use crate::{
    dispatch::Dispatch,
    local,
    net::{Listener, Stream},
    timer::{Timer, now},
};
use std::{
    future::poll_fn,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// How often the table is swept for objects whose lease is over: at most, and at least if the lease
/// is that short.
const SWEEP: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// After an error of accepting (no file descriptors left, for one) the next attempt is made after a
/// pause, which grows from the first to the second of these as long as errors last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// Accepts, and when the server is stopped, waits for the calls that run.
pub(super) async fn run(
    shared: Arc<Shared>,
    listener: Option<Listener>,
    mut streams: mpsc::Receiver<Stream>,
) {
    let over = Over(Arc::clone(&shared));
    let ended = Ended(Arc::clone(&shared));
    tokio::select! {
        biased;
        () = poll_fn(|context| shared.stopping.poll(context)) => {}
        () = serve(&shared, listener.as_ref(), &mut streams) => {}
    }
    // Whoever connects from here on is refused by the system.
    drop((listener, streams));
    drop(ended);
    shared.open.stop();
    tokio::select! {
        biased;
        () = async {
            // Connections that only lead back to clients are there for the others, and end with them.
            shared.open.fewer(|| shared.ways_back()).await;
            shared.local.ended().await;
        } => {}
        () = shared.aborted() => {
            shared.open.abort();
            shared.open.fewer(|| 0).await;
        }
    }
    drop(over);
    shared.open.abort();
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

/// Never ends by itself, whatever goes wrong.
async fn serve(
    shared: &Arc<Shared>,
    listener: Option<&Listener>,
    streams: &mut mpsc::Receiver<Stream>,
) {
    let every = (shared.objects.lease() / 2).clamp(SWEEP.0, SWEEP.1);
    let (mut sweep, mut sweeps_at) = (Timer::default(), Instant::now() + every);
    let mut pause = PAUSE.0;
    loop {
        // What is bounded comes first, so that nothing waits for ever: connections last.
        tokio::select! {
            biased;
            () = poll_fn(|context| sweep.poll(sweeps_at, context)) => {
                discard(shared.objects.sweep(now()));
                sweeps_at = Instant::now() + every;
            }
            Some(stream) = streams.recv() => admit(shared, stream),
            accepted = accept(listener) => match accepted {
                Ok(stream) => {
                    pause = PAUSE.0;
                    admit(shared, stream);
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
async fn accept(listener: Option<&Listener>) -> io::Result<Stream> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
