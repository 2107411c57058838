//! What a caller is told when its connection ends: what the peer has said last counts, and what was not written has
//! not run.

mod counted;

use counted::Counted;
use drb::{Client, DrbDumped, DrbUndumped, Error, Outcome};
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{sleep, timeout},
};

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Entry {
    key: String,
    hits: u64,
}

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Other {
    name: String,
}

#[derive(DrbUndumped)]
struct Thing;

#[drb::service]
impl Thing {
    pub fn ring(&self) {}
}

struct Desk;

#[drb::service]
impl Desk {
    pub fn touch(&self, _bytes: Vec<u8>) {}

    pub fn entry(&self, entry: Entry) -> Entry {
        entry
    }

    pub fn other(&self, other: Other) -> Other {
        other
    }

    pub async fn ring(&self, thing: ThingProxy) -> drb::Result<()> {
        thing.ring().await
    }
}

struct Site {
    desk: DeskProxy,
    peer: DuplexStream,
    fails: Arc<AtomicBool>,
}

/// A client with a peer that is written by hand, whose connection takes so many bytes at a time.
async fn site(bytes: usize) -> Site {
    let (near, mut peer) = duplex(bytes);
    let fails = Arc::new(AtomicBool::default());
    let near = Counted { fails: Arc::clone(&fails), ..Counted::new(near) };
    let near = Mutex::new(Some(near));
    let connector = move |_| {
        let near = near.lock().unwrap().take();
        async move { near.ok_or_else(|| io::Error::other("there is one connection only")) }
    };
    let client = Client::builder().connector(connector).build();
    let desk: DeskProxy = client.connect("drb://desk:1").await.unwrap();
    peer.write_all(b"drb\n\0\0\0\x01").await.unwrap();
    Site { desk, peer, fails }
}

type Called = tokio::task::JoinHandle<Error>;

fn call(desk: &DeskProxy, bytes: usize) -> Called {
    let desk = desk.clone();
    tokio::spawn(async move { desk.touch(vec![0; bytes]).await.unwrap_err() })
}

async fn outcome(called: Called) -> Outcome {
    let error = timeout(Duration::from_secs(5), called).await.unwrap().unwrap();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    error.outcome()
}

/// Says that it has taken no calls, and is gone. Both are there when the client writes next.
#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_read_where_nothing_can_be_written() {
    for says_so in [true, false] {
        let Site { desk, mut peer, fails } = site(1000).await;
        let first = call(&desk, 10);
        let mut all = [0; 100];
        sleep(Duration::from_millis(10)).await;
        assert!(peer.read(&mut all).await.unwrap() > 0);
        fails.store(true, Ordering::SeqCst);
        // The client's task writes before it reads.
        let second = call(&desk, 10);
        tokio::task::yield_now().await;
        if says_so {
            peer.write_all(b"\x32\0\0\x01\0").await.unwrap();
        }
        drop(peer);
        let known = if says_so { Outcome::NotExecuted } else { Outcome::Unknown };
        assert_eq!(outcome(first).await, known);
        // Nothing of it was written.
        assert_eq!(outcome(second).await, Outcome::NotExecuted);
    }
}

/// The peer says nothing, and isn't gone.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_there_is_not_listened_to_for_long() {
    let Site { desk, peer, fails } = site(1000).await;
    let first = call(&desk, 10);
    sleep(Duration::from_millis(10)).await;
    fails.store(true, Ordering::SeqCst);
    let second = call(&desk, 10);
    assert_eq!(outcome(first).await, Outcome::Unknown);
    assert_eq!(outcome(second).await, Outcome::NotExecuted);
    // Whoever calls now is told at once: there is no second connection.
    let third = call(&desk, 10);
    assert!(matches!(third.await.unwrap(), Error::Connect { .. }));
    drop(peer);
}

/// A call of which a part has gone out has not run, nor have those that wait behind it.
#[tokio::test(start_paused = true)]
async fn what_waits_to_be_written_has_not_run() {
    let Site { desk, peer, .. } = site(100).await;
    let calls = [1_000_000, 10, 1_000_000].map(|bytes| call(&desk, bytes));
    sleep(Duration::from_millis(10)).await;
    drop(peer);
    for call in calls {
        assert_eq!(outcome(call).await, Outcome::NotExecuted);
    }
}

/// A call that is there before its connection ends, and is made afterwards, is made on the next one.
#[tokio::test]
async fn a_call_with_structs_goes_over_the_next_connection() {
    let server = drb::start_service("drb://127.0.0.1:0", Desk).await.unwrap();
    let client = Client::new();
    let desk: DeskProxy = client.connect(server.uri()).await.unwrap();
    let (entry, other) = (Entry { key: "a".into(), hits: 1 }, Other { name: "b".into() });
    // The second one has a number that the first connection's peer was never told.
    assert_eq!(desk.entry(entry.clone()).await.unwrap(), entry);
    let (first, second) = (desk.entry(entry.clone()), desk.other(other.clone()));
    let by_reference = desk.ring(Thing);
    let uri = server.uri().to_owned();
    server.drain(Duration::ZERO).await;
    let _again = drb::start_service(uri, Desk).await.unwrap();
    while client.usage().connections > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(second.await.unwrap(), other);
    assert_eq!(first.await.unwrap(), entry);
    let error = by_reference.await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error:?}");
    // What is dumped for the next one has the same numbers.
    assert_eq!(desk.other(other.clone()).await.unwrap(), other);
    assert_eq!(desk.entry(entry.clone()).await.unwrap(), entry);
}
