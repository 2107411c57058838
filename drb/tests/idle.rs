//! How long a server keeps a connection of the native wire that nobody uses. The clock is the runtime's and
//! stands still while anything is to do.

use drb::{Client, Limit, Limits, Peer, Server, prelude::*};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::yield_now,
    time::{Instant, sleep, sleep_until},
};

const IDLE: Duration = Duration::from_secs(300);
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Timers go off with the next millisecond.
const TICK: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Store {
    kept: Mutex<Option<ThingProxy>>,
}

#[derive(DrbUndumped)]
struct Thing;

#[drb::service]
impl Thing {
    pub fn one(&self) -> i64 {
        1
    }
}

#[drb::service]
impl Store {
    pub fn one(&self) -> i64 {
        1
    }

    pub fn give(&self) -> Thing {
        Thing
    }

    pub fn keep(&self, thing: ThingProxy) {
        *self.kept.lock().unwrap() = Some(thing);
    }

    pub fn let_go(&self) {
        *self.kept.lock().unwrap() = None;
    }

    pub async fn sleep(&self, seconds: u64) -> u64 {
        sleep(Duration::from_secs(seconds)).await;
        seconds
    }

    pub fn numbers(&self) -> impl futures_util::Stream<Item = i64> {
        futures_util::stream::iter(0..)
    }
}

struct Two {
    server: Server,
    store: StoreProxy,
    dialled: Arc<AtomicUsize>,
}

impl Two {
    async fn new() -> Self {
        let server = Server::builder().front(Store::default());
        let server = server.start_without_listener("drb://store:1").unwrap();
        let dialled = Arc::new(AtomicUsize::new(0));
        let connector = {
            let (server, dialled) = (server.clone(), Arc::clone(&dialled));
            move |_| {
                let server = server.clone();
                dialled.fetch_add(1, Ordering::SeqCst);
                async move {
                    let (near, far) = duplex(4096);
                    server.serve_stream(far, Peer::Named("client".into())).await.unwrap();
                    Ok(near)
                }
            }
        };
        let client = Client::builder().connector(connector).build();
        let store: StoreProxy = client.connect("drb://store:1").await.unwrap();
        assert_eq!(store.one().await.unwrap(), 1);
        Self { server, store, dialled }
    }

    /// How many connections there have been, are, and have ended for being idle.
    fn seen(&self) -> (usize, usize, u64) {
        let counters = self.server.counters();
        let dialled = self.dialled.load(Ordering::SeqCst);
        (dialled, self.server.usage().connections, counters.exceeded(Limit::Idle))
    }
}

/// Lets everybody do what is to be done.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_after_the_time_and_not_before() {
    let two = Two::new().await;
    sleep(IDLE - TICK).await;
    settle().await;
    assert_eq!(two.seen(), (1, 1, 0));
    sleep(TICK * 2).await;
    settle().await;
    // The client closes it as soon as it is told.
    assert_eq!(two.seen(), (1, 0, 1));
    assert_eq!(two.store.one().await.unwrap(), 1);
    assert_eq!(two.seen(), (2, 1, 1));
    // Each call begins the time anew.
    for _ in 0..5 {
        sleep(IDLE - TICK).await;
        assert_eq!(two.store.one().await.unwrap(), 1);
    }
    assert_eq!(two.seen(), (2, 1, 1));
}

/// Waits much longer than a connection is kept, and then until `over` has let go of what kept it.
async fn kept<T>(two: &Two, held: T, over: impl AsyncFnOnce(T)) {
    sleep(IDLE * 5).await;
    settle().await;
    assert_eq!(two.seen(), (1, 1, 0));
    over(held).await;
    sleep(IDLE * 2 + TICK).await;
    settle().await;
    assert_eq!(two.seen(), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_server_s_keeps_it() {
    let two = Two::new().await;
    let thing = two.store.give().await.unwrap();
    kept(&two, thing, async |thing| {
        assert_eq!(thing.one().await.unwrap(), 1);
        drop(thing);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_object_of_the_client_s_keeps_it() {
    let two = Two::new().await;
    let thing = Arc::new(Thing);
    two.store.keep(&thing).await.unwrap();
    kept(&two, (), async |()| {
        two.store.let_go().await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_keeps_it() {
    let two = Two::new().await;
    let store = two.store.clone();
    let call = tokio::spawn(async move { store.sleep(IDLE.as_secs() * 6).no_deadline().await });
    kept(&two, call, async |call| {
        assert_eq!(call.await.unwrap().unwrap(), IDLE.as_secs() * 6);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_it() {
    use futures_util::StreamExt;
    let two = Two::new().await;
    let mut numbers = two.store.numbers().await.unwrap();
    assert_eq!(numbers.next().await.unwrap().unwrap(), 0);
    kept(&two, numbers, async |mut numbers| {
        assert_eq!(numbers.next().await.unwrap().unwrap(), 1);
        drop(numbers);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_its_end_keeps_it() {
    let two = Two::new().await;
    let mut closing = two.store.closed();
    sleep(IDLE * 5).await;
    settle().await;
    assert_eq!(two.seen(), (1, 1, 0));
    let now = futures_util::poll!(&mut closing);
    assert!(now.is_pending(), "{now:?}");
}

/// However close a call comes to the end of the connection, it is made.
#[tokio::test(start_paused = true)]
async fn a_call_at_the_last_moment_is_made() {
    for millis in 0..10 {
        let begun = Instant::now();
        let two = Two::new().await;
        let at = begun + IDLE - TICK + Duration::from_millis(millis);
        let calls = (0..4).map(|turns| {
            let store = two.store.clone();
            tokio::spawn(async move {
                sleep_until(at).await;
                for _ in 0..turns {
                    yield_now().await;
                }
                store.one().await
            })
        });
        for call in futures_util::future::join_all(calls.collect::<Vec<_>>()).await {
            assert_eq!(call.unwrap().unwrap(), 1);
        }
    }
}

/// A peer by hand, which doesn't close.
struct Raw(DuplexStream);

const GO_AWAY: &[u8] = &[0x32, 0, 0, 10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];

impl Raw {
    async fn new() -> (Server, Self) {
        let server = Server::builder().front(Store::default());
        let server = server.start_without_listener("drb://store:1").unwrap();
        let (near, far) = duplex(4096);
        server.serve_stream(far, Peer::Named("raw".into())).await.unwrap();
        let mut raw = Self(near);
        raw.0.write_all(b"drb\n\0\0\0\x01\x02\0\0\x03one").await.unwrap();
        raw.0.read_exact(&mut [0; 8]).await.unwrap();
        (server, raw)
    }

    async fn call(&mut self) {
        self.0.write_all(&[0x10, 0, 0, 5, 7, 0, 0, 0, 0]).await.unwrap();
        let mut answer = [0; 6];
        self.0.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, [0x11, 0, 0, 2, 7, 1]);
    }

    /// Answers pings, and pings itself, until something else comes: which, or that it is the end.
    async fn next(&mut self) -> Vec<u8> {
        loop {
            let mut head = [0; 4];
            let read = self.0.read_exact(&mut head);
            match tokio::time::timeout(Duration::from_secs(10), read).await {
                Err(_) => self.0.write_all(&[0x30, 0, 0, 0]).await.unwrap(),
                Ok(Err(_)) => return Vec::new(),
                Ok(Ok(_)) if head == [0x30, 0, 0, 0] => {
                    self.0.write_all(&[0x31, 0, 0, 0]).await.unwrap();
                }
                Ok(Ok(_)) if head == [0x31, 0, 0, 0] => {}
                Ok(Ok(_)) => {
                    let mut body = vec![0; usize::from(head[3])];
                    self.0.read_exact(&mut body).await.unwrap();
                    return [&head[..], &body].concat();
                }
            }
        }
    }
}

fn about(begun: Instant, expected: Duration) {
    let took = begun.elapsed();
    assert!((expected..expected + TICK).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_answers_pings_is_sent_away() {
    let (server, mut raw) = Raw::new().await;
    raw.call().await;
    let begun = Instant::now();
    assert_eq!(raw.next().await, GO_AWAY);
    about(begun, IDLE);
    assert_eq!(server.counters().exceeded(Limit::Idle), 1);
    // What it has sent before it knew is done.
    sleep(KEEPALIVE - TICK).await;
    raw.call().await;
    let begun = Instant::now();
    assert_eq!(raw.next().await, b"");
    about(begun, KEEPALIVE);
    assert_eq!(server.counters().exceeded(Limit::Idle), 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_wants_to_know_of_the_end_stays() {
    let (server, mut raw) = Raw::new().await;
    raw.0.write_all(&[0x35, 0, 0, 0]).await.unwrap();
    let next = tokio::time::timeout(IDLE * 5, raw.next()).await;
    assert!(next.is_err(), "{next:?}");
    assert_eq!(server.counters().exceeded(Limit::Idle), 0);
    // Saying it once is enough.
    raw.0.write_all(&[0x35, 0, 0, 0].repeat(101)).await.unwrap();
    let next = raw.next().await;
    assert_eq!(next[0], 0x34);
    assert!(String::from_utf8_lossy(&next).contains("empty_frames"), "{next:?}");
}

/// Somebody who has never asked for anything is no reason to keep it.
#[tokio::test(start_paused = true)]
async fn without_a_bound_it_stays() {
    let limits = Limits { idle: Duration::MAX, ..Limits::default() };
    let server = Server::builder().front(Store::default()).limits(limits);
    let server = server.start_without_listener("drb://store:1").unwrap();
    let (near, far) = duplex(4096);
    server.serve_stream(far, Peer::Named("raw".into())).await.unwrap();
    let mut raw = Raw(near);
    raw.0.write_all(b"drb\n\0\0\0\x01").await.unwrap();
    raw.0.read_exact(&mut [0; 8]).await.unwrap();
    let next = tokio::time::timeout(IDLE * 20, raw.next()).await;
    assert!(next.is_err(), "{next:?}");
}
