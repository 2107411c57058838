//! Streams: where their items come from, and who reads them. Both take down each item.

use crate::{
    history::{Event, StreamEnd},
    host::Host,
};
use drb::Stream;
use futures_util::{StreamExt, stream};
use std::{sync::Arc, time::Duration};

/// The stream's number, the item's number in it, and some bytes.
pub(crate) type Item = (u64, u64, Vec<u8>);

/// How a stream goes.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    /// How many items it has.
    pub(crate) items: u64,
    /// How many bytes each has.
    pub(crate) size: usize,
    /// So many milliseconds each takes to come.
    pub(crate) millis: u64,
}

impl Flow {
    /// How many items may be made that nobody has taken: on their way are up to eight batches, of 28 KiB
    /// or of one item, and as many may have arrived; one more is being made.
    fn ahead(self) -> u64 {
        let batch = (28 << 10) / self.size.max(8) as u64 + 1;
        17 * batch
    }
}

/// It is there as long as the stream is.
struct Alive {
    host: Arc<Host>,
    stream: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.host.history.record(Event::Destroyed { object: self.stream });
    }
}

/// A stream of a host's.
pub(crate) fn items(
    host: &Arc<Host>,
    flow: Flow,
) -> impl futures_util::Stream<Item = Item> + Send + 'static {
    let (history, stream) = (&host.history, host.history.number());
    history.record(Event::Created { object: stream, on: host.life });
    history.record(Event::Flows { stream, items: flow.items, ahead: flow.ahead() });
    let alive = Alive { host: Arc::clone(host), stream };
    stream::unfold((alive, 0), move |(alive, item)| async move {
        if item == flow.items {
            return None;
        }
        if flow.millis > 0 {
            tokio::time::sleep(Duration::from_millis(flow.millis)).await;
        }
        alive.host.history.record(Event::Gave { stream: alive.stream, item });
        Some(((alive.stream, item, bytes(item, flow.size)), (alive, item + 1)))
    })
}

fn bytes(item: u64, size: usize) -> Vec<u8> {
    vec![item as u8; size]
}

/// Somebody who reads a stream. If this is dropped, it isn't read to its end.
struct Reads<'a> {
    host: &'a Host,
    reader: u64,
    taken: u64,
    end: StreamEnd,
}

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        let Self { reader, end, .. } = *self;
        self.host.history.record(Event::Read { reader, end });
    }
}

/// Reads so many items at most, as long as the clients are busy, with a pause after each.
pub(crate) async fn read(host: &Host, mut stream: Stream<Item>, most: u64, millis: u64) -> u64 {
    let reader = host.history.number();
    host.history.record(Event::Reads { reader, by: host.life });
    let mut reads = Reads { host, reader, taken: 0, end: StreamEnd::Left };
    while reads.taken < most && host.now() < host.plan.busy {
        match stream.next().await {
            None => {
                reads.end = StreamEnd::Whole;
                break;
            }
            Some(Err(_)) => {
                reads.end = StreamEnd::Failed;
                break;
            }
            Some(Ok((stream, item, given))) => {
                let right = given == bytes(item, given.len());
                // No stream has this one.
                let item = if right { item } else { u64::MAX };
                host.history.record(Event::Took { reader, stream, item });
                reads.taken += 1;
            }
        }
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }
    reads.taken
}
