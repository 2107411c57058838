//! Bounds of the native wire that need a clock or a whole server, at the limit and one past it. (The others
//! are tested in `drb-core/tests/native_limits.rs`.)

mod frames;

use drb::{Client, Error, Limit, Limits, Peer, Server};
use frames::frame;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, sleep},
};

struct Store;

#[drb::service]
impl Store {
    pub fn get(&self, len: usize) -> Vec<u8> {
        vec![1; len]
    }

    pub async fn hold(&self, bytes: Vec<u8>) -> usize {
        sleep(Duration::from_secs(3600)).await;
        bytes.len()
    }

    pub async fn wait(&self) {
        std::future::pending().await
    }

    pub fn fail(&self, len: usize) -> Result<(), String> {
        Err("x".repeat(len))
    }
}

const CALL: u8 = 0x10;
const MORE: u8 = 0x80;

/// One end of a connection whose other end is a server's.
async fn raw(limits: Limits) -> (Server, DuplexStream) {
    let server = Server::builder().front(Store).limits(limits);
    let server = server.start_without_listener("drb://store:1").unwrap();
    let (mut near, far) = duplex(64 << 10);
    server.serve_stream(far, Peer::Named("raw".into())).await.unwrap();
    near.write_all(b"drb\n\0\0\0\x01").await.unwrap();
    near.read_exact(&mut [0; 8]).await.unwrap();
    (server, near)
}

/// Writes so many bytes each second of a message that has begun; how long that goes on, at most 200
/// seconds.
async fn trickle(begun: &[u8], each_second: usize) -> Duration {
    let (_server, mut raw) = raw(Limits::default()).await;
    raw.write_all(begun).await.unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(200) {
        sleep(Duration::from_secs(1)).await;
        // What the server says meanwhile, nobody looks at.
        if raw.write_all(&vec![0; each_second]).await.is_err() {
            break;
        }
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_has_begun_goes_on() {
    let in_part = frame(0x02, b"get");
    // A frame of which nothing but the head has come, and a name behind which a message has begun.
    let head = [0x02, 0x3, 0xff, 0xff];
    assert_eq!(trickle(&head, 1030).await.as_secs(), 200);
    let ended = trickle(&head, 1000).await.as_secs();
    assert!((30..35).contains(&ended), "{ended}");
    let begun = [in_part, frame(CALL | MORE, &[0, 0, 0, 0, 1, 0xc0]), head.to_vec()].concat();
    let ended = trickle(&begun, 10).await.as_secs();
    assert!((30..35).contains(&ended), "{ended}");
    // A connection on which nothing has begun may be quiet.
    let (_server, mut raw) = raw(Limits::default()).await;
    for _ in 0..10 {
        sleep(Duration::from_secs(14)).await;
        raw.write_all(&frame(0x31, &[])).await.unwrap();
    }
}

/// A message that waits for its next piece has begun, too.
#[tokio::test(start_paused = true)]
async fn pieces_that_do_not_come_end_the_connection() {
    let (_server, mut raw) = raw(Limits::default()).await;
    raw.write_all(&frame(0x02, b"get")).await.unwrap();
    raw.write_all(&frame(CALL | MORE, &[0, 0, 0, 0, 1, 0xc0])).await.unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(100) {
        // It isn't silent.
        sleep(Duration::from_secs(10)).await;
        if raw.write_all(&frame(0x30, &[])).await.is_err() {
            break;
        }
    }
    let ended = start.elapsed().as_secs();
    assert!((30..=50).contains(&ended), "{ended}");
}

#[tokio::test]
async fn results_that_are_too_long_are_errors_of_their_calls() {
    let limits = Limits { message: 1000, ..Limits::default() };
    let server = Server::builder().front(Store).limits(limits).start("druby://127.0.0.1:0");
    let server = server.await.unwrap();
    let store: StoreProxy = Client::new().connect(server.native_uri()).await.unwrap();
    // The call's number, and the string's length in three bytes.
    assert_eq!(store.get(996).await.unwrap().len(), 996);
    match store.get(997).await.unwrap_err() {
        Error::Limit { limit: Limit::Message, .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(store.get(10).await.unwrap().len(), 10, "the connection goes on");
}

#[tokio::test]
async fn texts_of_errors_are_cut() {
    let server = Server::builder().front(Store).start("druby://127.0.0.1:0").await.unwrap();
    let store: StoreProxy = Client::new().connect(server.native_uri()).await.unwrap();
    let most = Limits::default().error_text;
    for (len, cut) in [(most, false), (most + 1, true)] {
        let error = store.fail(len).await.unwrap_err().to_string();
        assert!(error.len() <= most, "{}", error.len());
        assert_eq!(error == "x".repeat(len), !cut);
    }
}

/// What calls hold while they run has a bound, too.
#[tokio::test]
async fn the_arguments_of_calls_that_run_take_no_more_than_allowed() {
    const LEN: usize = 100_000;
    // A string at the end is taken as it is; before it are its length and mark.
    let limits = Limits { peer_memory: 2 * (LEN + 40), ..Limits::default() };
    let server = Server::builder().front(Store).limits(limits).start("druby://127.0.0.1:0");
    let server = server.await.unwrap();
    let store: StoreProxy = Client::new().connect(server.native_uri()).await.unwrap();
    let hold = || {
        let store = store.clone();
        tokio::spawn(async move { store.hold(vec![1; LEN]).await })
    };
    let (first, second) = (hold(), hold());
    sleep(Duration::from_millis(200)).await;
    let refused = hold().await.unwrap().unwrap_err();
    assert!(matches!(refused, Error::Overloaded { .. }), "{refused:?}");
    assert_eq!(refused.outcome(), drb::Outcome::NotExecuted);
    assert!(refused.to_string().contains("`peer_memory`"), "{refused}");
    assert_eq!(server.counters().exceeded(Limit::PeerMemory), 1);
    // Small calls go on, and other peers.
    assert_eq!(store.get(10).await.unwrap().len(), 10);
    let other: StoreProxy = Client::new().connect(server.native_uri()).await.unwrap();
    let theirs = other.hold(vec![1; LEN]).deadline(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(theirs, Error::DeadlineExceeded { .. }), "{theirs:?}");
    // There is room again when one is over.
    first.abort();
    sleep(Duration::from_millis(200)).await;
    let third = hold();
    sleep(Duration::from_millis(200)).await;
    assert!(!third.is_finished());
    assert_eq!(server.counters().exceeded(Limit::PeerMemory), 1);
    second.abort();
    third.abort();
}

/// However short the keepalive of a client is, a server that wants pings at a distance isn't asked more often.
#[tokio::test(start_paused = true)]
async fn pings_keep_their_distance() {
    let server = Server::builder().front(Store).start_without_listener("drb://store:1").unwrap();
    let links = Arc::new(AtomicUsize::new(0));
    let connect = {
        let (server, links) = (server.clone(), Arc::clone(&links));
        move |_| {
            let (server, links) = (server.clone(), Arc::clone(&links));
            async move {
                links.fetch_add(1, Ordering::SeqCst);
                let (near, far) = duplex(64 << 10);
                server.serve_stream(far, Peer::Named("near".into())).await.unwrap();
                Ok(near)
            }
        }
    };
    let limits = Limits { keepalive: Duration::from_millis(500), ..Limits::default() };
    let client = Client::builder().limits(limits).connector(connect).build();
    let store: StoreProxy = client.connect("drb://store:1").await.unwrap();
    for _ in 0..20 {
        sleep(Duration::from_secs(7)).await;
        assert_eq!(store.get(1).await.unwrap(), [1]);
    }
    sleep(Duration::from_secs(200)).await;
    assert_eq!(store.get(1).await.unwrap(), [1]);
    assert_eq!(links.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_is_disconnected_is_told_why() {
    let (_server, mut raw) = raw(Limits { empty_frames: 2, ..Limits::default() }).await;
    raw.write_all(&frame(0x20, &[]).repeat(2)).await.unwrap();
    // An answer that is ready goes before.
    raw.write_all(&[frame(0x02, b"get"), frame(CALL, &[0, 0, 0, 0, 1, 0])].concat()).await.unwrap();
    raw.write_all(&frame(0x20, &[]).repeat(3)).await.unwrap();
    let mut said = Vec::new();
    raw.read_to_end(&mut said).await.unwrap();
    assert_eq!(said[..7], *b"\x11\0\0\x03\0\xc4\0");
    let why = b"the limit `empty_frames` of 2 is exceeded";
    assert_eq!(said[7..], frame(0x34, why));

    let limits = Limits { cancels: 0, ..Limits::default() };
    let server = Server::builder().front(Store).limits(limits);
    let server = server.start(Some("drb://127.0.0.1:0")).await.unwrap();
    let store = StoreProxy::connect(server.uri()).await.unwrap();
    let mut waits = store.wait();
    let error = {
        // One goes on waiting, and the other one is given up.
        let mut given_up = Box::pin(store.wait());
        let sent = std::future::poll_fn(|context| {
            assert!(Pin::new(&mut waits).poll(context).is_pending());
            assert!(given_up.as_mut().poll(context).is_pending());
            Poll::Ready(())
        });
        sent.await;
        // It has arrived there, and so it is cancelled.
        store.get(1).await.unwrap();
        drop(given_up);
        waits.await.unwrap_err()
    };
    assert!(matches!(&error, Error::ConnectionLost { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.ends_with("the peer has closed the connection: the limit `cancels` of 0 is exceeded"),
        "{text}"
    );
}
