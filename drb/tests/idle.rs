//! Connections of the native wire that nobody needs: the server ends them, and no call comes to harm. (When
//! exactly that is, `drb-core/tests/native_idle.rs` tests; Ruby's wire is in `lifecycle.rs`.)

mod frames;

use drb::{Client, Closed, Closing, Error, Limit, Limits, Outcome, Peer, Server, prelude::*};
use frames::next_frame;
use futures_util::{FutureExt, StreamExt};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

const GREETING: &[u8] = b"drb\n\0\0\0\x01";
const ASKS: [u8; 5] = [0x35, 0, 0, 1, 0];
const ANSWER: u8 = 0x11;
const PING: u8 = 0x30;
const NOT_NEEDED: [u8; 5] = [0x35, 0, 0, 1, 2];
const WHY: &[u8] = b"\x34\0\0\x1cthe limit `idle` is exceeded";

const IDLE: Duration = Duration::from_secs(300);
/// Nobody looks at the clock when a call has ended, or something is let go of; so it may take a little longer.
const LATE: Duration = Duration::from_millis(330_010);
const HOUR: Duration = Duration::from_secs(3600);

/// Each byte takes so long, in either direction.
const WAY: Duration = Duration::from_millis(20);

#[derive(DrbUndumped)]
struct Thing;

#[drb::service]
impl Thing {
    pub fn touch(&self) {}
}

#[derive(Default)]
struct Desk {
    things: Mutex<Vec<ThingProxy>>,
    /// How often each call has run.
    runs: Mutex<HashMap<u64, u32>>,
    order: Mutex<Vec<u64>>,
}

#[drb::service]
impl Desk {
    pub fn touch(&self) {}

    pub fn write(&self, key: u64) -> u64 {
        *self.runs.lock().unwrap().entry(key).or_default() += 1;
        self.order.lock().unwrap().push(key);
        key
    }

    pub async fn sleep(&self, seconds: u64) -> u64 {
        sleep(Duration::from_secs(seconds)).await;
        seconds
    }

    pub fn thing(&self) -> Thing {
        Thing
    }

    pub fn keep(&self, thing: ThingProxy) {
        self.things.lock().unwrap().push(thing);
    }

    pub fn numbers(&self) -> impl futures_util::Stream<Item = u64> {
        futures_util::stream::unfold(0, |number| async move {
            sleep(Duration::from_secs(1000)).await;
            (number < 5).then_some((number, number + 1))
        })
    }
}

/// A client and a server, whose links may be slow.
struct Site {
    own: Arc<Desk>,
    server: Server,
    client: Client,
    desk: DeskProxy,
    refusals: Arc<Mutex<Vec<Option<Limit>>>>,
}

async fn site(there: Limits, here: Limits, way: Duration) -> Site {
    let (own, refusals) = (Arc::new(Desk::default()), Arc::<Mutex<Vec<_>>>::default());
    let server = Server::builder().front(Arc::clone(&own)).limits(there).on_refusal({
        let refusals = Arc::clone(&refusals);
        move |refusal| refusals.lock().unwrap().push(refusal.limit)
    });
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let connector = {
        let server = server.clone();
        move |_| {
            let server = server.clone();
            async move {
                let (near, far) = duplex(1 << 20);
                let far = if way.is_zero() { far } else { slow(far, way, way) };
                let peer = Peer::Named("client".into());
                server.serve_stream(far, peer).await.map_err(io::Error::other)?;
                Ok(near)
            }
        }
    };
    let client = Client::builder().limits(here).connector(connector).build();
    let desk: DeskProxy = client.connect("drb://desk:1").await.unwrap();
    desk.touch().await.unwrap();
    Site { own, server, client, desk, refusals }
}

async fn default_site() -> Site {
    site(Limits::default(), Limits::default(), Duration::ZERO).await
}

/// The far end of a link over which everything takes a while, to it and back.
fn slow(end: DuplexStream, there: Duration, back: Duration) -> DuplexStream {
    let (other, far) = duplex(1 << 20);
    let (ends, others) = (tokio::io::split(end), tokio::io::split(other));
    for (mut from, mut to, way) in [(ends.0, others.1, there), (others.0, ends.1, back)] {
        let (sender, mut under_way) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(read @ 1..) = from.read(&mut bytes).await {
                if sender.send((Instant::now() + way, bytes[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some((at, bytes)) = under_way.recv().await {
                sleep_until(at).await;
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            let _ = to.shutdown().await;
        });
    }
    far
}

impl Site {
    /// How many connections were made, and how many of them have ended because nobody needed them.
    fn connections(&self) -> (u64, u64) {
        let counters = self.server.counters();
        (counters.connections, counters.exceeded(Limit::Idle))
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_needs_it() {
    let site = default_site().await;
    sleep(IDLE - Duration::from_millis(5)).await;
    assert_eq!(site.connections(), (1, 0));
    assert_eq!(site.client.usage().connections, 1);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(site.connections(), (1, 1));
    assert_eq!(*site.refusals.lock().unwrap(), [Some(Limit::Idle)]);
    assert_eq!((site.server.usage().connections, site.client.usage().connections), (0, 0));
    // The next call makes another one.
    site.desk.touch().await.unwrap();
    assert_eq!(site.connections(), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn it_has_nothing_to_do_with_pings() {
    let second = Duration::from_secs(1);
    for (there, here) in [(second, second), (HOUR, second), (second, HOUR), (HOUR, HOUR)] {
        let limits = |keepalive| Limits { keepalive, ..Limits::default() };
        let site = site(limits(there), limits(here), Duration::ZERO).await;
        sleep(IDLE - Duration::from_millis(5)).await;
        assert_eq!(site.connections(), (1, 0), "{there:?} {here:?}");
        sleep(Duration::from_millis(10)).await;
        assert_eq!(site.connections(), (1, 1), "{there:?} {here:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_under_way() {
    let site = default_site().await;
    assert_eq!(site.desk.sleep(3600).no_deadline().await.unwrap(), 3600);
    assert_eq!(site.connections(), (1, 0));
    sleep(LATE).await;
    assert_eq!(site.connections(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn something_is_held() {
    let site = default_site().await;
    let thing = site.desk.thing().await.unwrap();
    sleep(HOUR).await;
    thing.touch().await.unwrap();
    drop(thing);
    sleep(IDLE - Duration::from_millis(5)).await;
    assert_eq!(site.connections(), (1, 0));
    // In the other direction.
    site.desk.keep(Arc::new(Thing)).await.unwrap();
    sleep(HOUR).await;
    let theirs = site.own.things.lock().unwrap().pop().unwrap();
    theirs.touch().await.unwrap();
    assert_eq!(site.connections(), (1, 0));
    drop(theirs);
    sleep(LATE).await;
    assert_eq!(site.connections(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_open() {
    let site = default_site().await;
    let mut numbers = site.desk.numbers().await.unwrap();
    // Its maker takes its time, and so does its reader.
    for expected in 0..5 {
        sleep(Duration::from_secs(2000)).await;
        assert_eq!(numbers.next().await.unwrap().unwrap(), expected);
    }
    assert!(numbers.next().await.is_none());
    assert_eq!(site.connections(), (1, 0));
    drop(numbers);
    sleep(LATE).await;
    assert_eq!(site.connections(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn somebody_waits_for_its_end() {
    let site = default_site().await;
    // As only the client knows.
    let mut closing: Closing = site.desk.closed();
    sleep(HOUR).await;
    assert_eq!((&mut closing).now_or_never(), None);
    site.desk.touch().await.unwrap();
    assert_eq!(site.connections(), (1, 0));
    // It is told of a real one, also when that is the end of the proxy's connection.
    let server = site.server.clone();
    let (drained, reason) = tokio::join!(server.drain(HOUR), closing);
    assert!(drained);
    assert_eq!(reason, Closed::ConnectionLost);
    // Who waits no more keeps nothing.
    let site = default_site().await;
    drop(site.desk.closed());
    let closing = site.desk.closed();
    sleep(HOUR).await;
    assert_eq!(site.connections(), (1, 0));
    drop(closing);
    sleep(IDLE * 2).await;
    assert_eq!(site.connections(), (1, 1));
}

/// It holds the object as a proxy does.
#[tokio::test(start_paused = true)]
async fn who_waits_for_the_end_needs_no_proxy() {
    let Site { server, client, desk, .. } = default_site().await;
    let mut closing = desk.closed();
    drop(desk);
    sleep(HOUR + IDLE / 2).await;
    assert_eq!((&mut closing).now_or_never(), None);
    assert_eq!(client.usage().connections, 1);
    drop(closing);
    sleep(Duration::from_millis(5)).await;
    // That is the client's end, as ever.
    assert_eq!((client.usage().connections, server.counters().exceeded(Limit::Idle)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_object_is_to_be_called_before_it_is_there() {
    let site = default_site().await;
    let thing = site.desk.thing().pipelined();
    sleep(HOUR).await;
    thing.touch().await.unwrap();
    assert_eq!(site.connections(), (1, 0));
}

/// A call that is made, but not sent.
#[tokio::test(start_paused = true)]
async fn a_call_is_not_sent_yet() {
    let site = default_site().await;
    let call = site.desk.write(7);
    sleep(HOUR).await;
    assert_eq!(site.connections(), (1, 1));
    // It is as good for the next connection.
    assert_eq!(call.await.unwrap(), 7);
    // One that refers to an object is not: it keeps its own.
    let call = site.desk.keep(Arc::new(Thing));
    sleep(HOUR).await;
    assert_eq!(site.connections(), (2, 1));
    call.await.unwrap();
}

/// Calls that are made at any time about that at which the server asks and the client answers.
#[tokio::test(start_paused = true)]
async fn no_call_is_lost_at_the_end() {
    let (mut went_on, mut dialled) = (0, 0);
    for around in -50_i64..=90 {
        let site = site(Limits::default(), Limits::default(), WAY).await;
        let at = (IDLE.as_millis() as i64 + around) as u64;
        sleep(Duration::from_millis(at) - WAY).await;
        // Several, as one may be the last one of a connection and the other one the first of the next.
        let mut calls = JoinSet::new();
        for key in 0..4 {
            let desk = site.desk.clone();
            calls.spawn(async move {
                sleep(Duration::from_millis(key * 7)).await;
                desk.write(key).await
            });
        }
        let written = calls.join_all().await;
        assert!(written.iter().all(Result::is_ok), "{around}: {written:?}");
        assert!(site.own.runs.lock().unwrap().values().all(|runs| *runs == 1));
        assert_eq!(site.own.runs.lock().unwrap().len(), 4);
        match site.connections() {
            (1, 0) => went_on += 1,
            (2, 1) => dialled += 1,
            other => panic!("{around}: {other:?}"),
        }
    }
    assert!(went_on > 20 && dialled > 20, "{went_on} {dialled}");
}

/// A call that is still on its way when the server finds nothing to be under way is not overtaken by the next one,
/// which could go over a faster connection.
#[tokio::test(start_paused = true)]
async fn calls_keep_their_order_at_the_end() {
    let own = Arc::new(Desk::default());
    let server = Server::builder().front(Arc::clone(&own));
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let links = Arc::new(AtomicU64::new(0));
    let connector = {
        let (server, links) = (server.clone(), Arc::clone(&links));
        move |_| {
            let first = links.fetch_add(1, Ordering::SeqCst) == 0;
            let there = if first { Duration::from_millis(50) } else { Duration::ZERO };
            let server = server.clone();
            async move {
                let (near, far) = duplex(1 << 20);
                let far = slow(far, there, Duration::ZERO);
                let peer = Peer::Named("client".into());
                server.serve_stream(far, peer).await.map_err(io::Error::other)?;
                Ok(near)
            }
        }
    };
    let client = Client::builder().connector(connector).build();
    let desk: DeskProxy = client.connect("drb://desk:1").await.unwrap();
    desk.touch().await.unwrap();
    // The answer has come at once, after 50 ms on the way there.
    sleep(IDLE - Duration::from_millis(10)).await;
    let first = tokio::spawn(desk.write(1).into_future());
    sleep(Duration::from_millis(20)).await;
    let second = tokio::spawn(desk.write(2).into_future());
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (1, 2));
    assert_eq!(*own.order.lock().unwrap(), [1, 2]);
}

/// With real sockets and threads, where a call may be made while the connection ends: who is told that it
/// hasn't run, it has not.
#[tokio::test(flavor = "multi_thread")]
async fn callers_about_the_limit_are_told_the_truth() {
    const CALLS: u64 = 400;
    let own = Arc::new(Desk::default());
    // A client that still needs its connection is asked again at once.
    let (idle, pings) = (Duration::from_millis(3), Duration::ZERO);
    let limits = Limits { idle, pings, ..Limits::default() };
    let server = Server::builder().front(Arc::clone(&own)).limits(limits);
    let server = server.start("drb://127.0.0.1:0").await.unwrap();
    let uri = server.uri().replace("127.0.0.1", "localhost");
    let keys = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..4_u64 {
        let keys = Arc::clone(&keys);
        let client = Client::builder().limits(limits).build();
        let desk: DeskProxy = client.connect(&uri).await.unwrap();
        callers.spawn(async move {
            let mut told = Vec::new();
            for turn in 0..CALLS {
                let key = keys.fetch_add(1, Ordering::Relaxed);
                told.push((key, desk.write(key).await));
                sleep(Duration::from_micros((turn * 37 + caller * 11) % 60 * 100)).await;
            }
            told
        });
    }
    let told: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    let runs = own.runs.lock().unwrap();
    assert!(runs.values().all(|runs| *runs == 1));
    let mut refused = 0;
    for (key, result) in told {
        match result {
            Ok(written) => assert_eq!((written, runs.get(&key)), (key, Some(&1))),
            Err(error) => {
                assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
                assert_eq!(error.outcome(), Outcome::NotExecuted);
                assert_eq!(runs.get(&key), None);
                refused += 1;
            }
        }
    }
    assert!(refused <= CALLS / 20, "{refused}");
    assert!(server.counters().exceeded(Limit::Idle) > 20, "{:?}", server.counters());
}

/// One end of a connection whose other end is a server's.
async fn raw(limits: Limits) -> (Server, DuplexStream) {
    let server = Server::builder().front(Desk::default()).limits(limits);
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let (mut near, far) = duplex(64 << 10);
    server.serve_stream(far, Peer::Named("raw".into())).await.unwrap();
    near.write_all(GREETING).await.unwrap();
    near.read_exact(&mut [0; 8]).await.unwrap();
    (server, near)
}

async fn read(raw: &mut DuplexStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    raw.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Without pings, so that only this is to be heard.
fn quiet() -> Limits {
    Limits { keepalive: HOUR, ..Limits::default() }
}

#[tokio::test(start_paused = true)]
async fn the_peer_is_told_why_and_what_was_not_made() {
    let (server, mut raw) = raw(quiet()).await;
    // The name of a method, and a call of it.
    raw.write_all(b"\x02\0\0\x05touch\x10\0\0\x05\0\0\0\0\0").await.unwrap();
    assert_eq!(read(&mut raw, 6).await, [0x11, 0, 0, 2, 0, 0xc0]);
    let begun = Instant::now();
    assert_eq!(read(&mut raw, 5).await, ASKS);
    let asked = begun.elapsed();
    assert!((IDLE..IDLE + Duration::from_millis(5)).contains(&asked), "{asked:?}");
    raw.write_all(&NOT_NEEDED).await.unwrap();
    let mut rest = Vec::new();
    raw.read_to_end(&mut rest).await.unwrap();
    // One call was taken.
    assert_eq!(rest, [&[0x32, 0, 0, 1, 1], WHY].concat());
    assert_eq!(server.counters().exceeded(Limit::Idle), 1);
    assert_eq!(server.usage().connections, 0);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for_any_longer() {
    let (server, mut raw) = raw(quiet()).await;
    let begun = Instant::now();
    assert_eq!(read(&mut raw, 5).await, ASKS);
    let mut rest = Vec::new();
    raw.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [&[0x32, 0, 0, 1, 0], WHY].concat());
    let (took, expected) = (begun.elapsed(), IDLE + Limits::default().stall);
    assert!((expected..expected + Duration::from_millis(5)).contains(&took), "{took:?}");
    assert_eq!(server.counters().exceeded(Limit::Idle), 1);
}

/// What comes next but for pings, which are answered.
async fn next(raw: &mut DuplexStream) -> Vec<u8> {
    loop {
        let head = read(raw, 4).await;
        if head != [0x30, 0, 0, 0] {
            let body = read(raw, head[3].into()).await;
            return [head, body].concat();
        }
        // With the last one it may have ended.
        let _ = raw.write_all(&[0x31, 0, 0, 0]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_only_answers_pings_is_not_kept() {
    let (server, mut raw) = raw(Limits::default()).await;
    let begun = Instant::now();
    assert_eq!(next(&mut raw).await, ASKS);
    assert_eq!(next(&mut raw).await, [0x32, 0, 0, 1, 0]);
    assert_eq!(next(&mut raw).await, WHY);
    let (took, expected) = (begun.elapsed(), IDLE + Limits::default().stall);
    assert!((expected..expected + Duration::from_millis(5)).contains(&took), "{took:?}");
    assert_eq!(server.counters().exceeded(Limit::Idle), 1);
}

/// Reads frames until one of that kind has come.
async fn until(kind: u8, peer: &mut (impl AsyncRead + Unpin)) {
    while next_frame(peer).await.0 != kind {}
}

/// Where nothing but calls comes, nothing but the next call is looked for. What else happens just as one comes isn't
/// missed.
#[tokio::test(start_paused = true)]
async fn whatever_happens_just_as_a_call_comes_is_seen() {
    const TOUCH: &[u8] = b"\x10\0\0\x0f\0\0\xff\xff\xff\xff\x0f\x05touch\0\0";
    let keepalive = Duration::from_secs(5);
    let begun = Instant::now();
    let server = Server::builder().front(Desk::default());
    let server = server.limits(Limits { keepalive, spin: Duration::ZERO, ..Limits::default() });
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let (peer, far) = duplex(1 << 16);
    let (mut peer, calls) = tokio::io::split(peer);
    let calls = Arc::new(tokio::sync::Mutex::new(calls));
    let call_at = |time| {
        let calls = Arc::clone(&calls);
        tokio::spawn(async move {
            sleep_until(time).await;
            calls.lock().await.write_all(TOUCH).await.unwrap();
        })
    };
    let bell = begun + keepalive;
    call_at(bell);
    tokio::task::yield_now().await;
    server.serve_stream(far, Peer::Named("client".into())).await.unwrap();
    calls.lock().await.write_all(GREETING).await.unwrap();
    let mut greeting = [0; 8];
    peer.read_exact(&mut greeting).await.unwrap();
    for _ in 0..3 {
        calls.lock().await.write_all(TOUCH).await.unwrap();
        until(ANSWER, &mut peer).await;
    }
    // One of two has its turn before the connection, which has set its bell to the same time.
    call_at(bell);
    let asks = timeout(3 * keepalive, until(PING, &mut peer)).await;
    asks.expect("it has looked how long it has heard nothing");
    for _ in 0..3 {
        calls.lock().await.write_all(TOUCH).await.unwrap();
        until(ANSWER, &mut peer).await;
    }
    sleep(Duration::from_millis(1)).await;
    // What stops its connections has its turn before who calls, and they have theirs after both.
    server.stop();
    call_at(Instant::now());
    let mut rest = Vec::new();
    let ended = timeout(keepalive / 5, peer.read_to_end(&mut rest)).await;
    ended.expect("it ends at once").unwrap();
}
