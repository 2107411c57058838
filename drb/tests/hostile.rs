//! Peers that harm as well as they can, on both wires: whatever they do, others are served, what they are
//! refused for is counted, and nothing of them is left.
//!
//! (Bytes that are no message: `edges.rs`, `tests/tests/all/garbage.rs`, the fuzz targets. Bounds on what is
//! in a message: `drb-core/tests/limits.rs`, `drb-core/tests/native_limits.rs`. Thousands of silent
//! connections: `benches/src/crowd`.)

mod frames;
mod wires;

use drb::{Client, Error, Limit, Limits, Peer, Server, Value, prelude::*};
use frames::frame;
use std::{
    io::{self, Write as _},
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use wires::{On, on_both_wires};

const SOON: Duration = Duration::from_secs(20);

#[derive(DrbUndumped)]
struct Counter(AtomicU64);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[derive(Default)]
struct Shop;

#[drb::service]
impl Shop {
    pub fn ping(&self) {}

    pub fn large(&self) -> Vec<u8> {
        vec![7; 1 << 20]
    }

    pub async fn wait(&self) {
        std::future::pending().await
    }

    pub fn counter(&self) -> Counter {
        Counter(AtomicU64::new(0))
    }

    pub fn echo(&self, value: Value) -> Value {
        value
    }
}

on_both_wires!(
    resets_at_every_point,
    a_flood_of_connections_that_are_reset,
    more_calls_than_are_served_at_once,
    forged_references_reach_nothing,
);

async fn start() -> Server {
    drb::start_service("druby://127.0.0.1:0", Shop).await.unwrap()
}

async fn is_served(wire: On, server: &Server) {
    timeout(SOON, ping(wire, server)).await.expect("in time").unwrap();
}

async fn ping(wire: On, server: &Server) -> drb::Result<()> {
    let shop: ShopProxy = Client::new().connect(&wire.elsewhere(server)).await?;
    shop.ping().await
}

fn address(server: &Server) -> &str {
    server.uri().strip_prefix("druby://").unwrap()
}

/// Waits until it is so.
async fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "in time");
        sleep(Duration::from_millis(2)).await;
    }
}

const GREETING: &[u8] = b"drb\n\0\0\0\x01";
const NAME: u8 = 0x02;
const CALL: u8 = 0x10;
const CANCEL: u8 = 0x14;
const RELEASE: u8 = 0x20;
const PING: u8 = 0x30;
const MORE: u8 = 0x80;

/// A call without arguments, as a peer's first one.
fn call(wire: On, method: &str) -> Vec<u8> {
    match wire {
        On::Ruby => request(b"\x04\x080", method, &[]),
        _ => [GREETING, &frame(NAME, method.as_bytes()), &again(0)].concat(),
    }
}

/// A further call of the same method on the native wire.
fn again(number: u16) -> Vec<u8> {
    // Seven bits a byte.
    let id = [number as u8 & 0x7f | 0x80, (number >> 7) as u8 & 0x7f];
    frame(CALL, &[&id, [0, 0, 0, 0].as_slice()].concat())
}

/// A connection that ends with a reset.
fn reset(stream: std::net::TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

async fn resets_at_every_point(wire: On) {
    let server = start().await;
    let bytes = call(wire, "large");
    let mut connections = 0;
    for len in 0..=bytes.len() {
        for ends in [false, true] {
            let mut stream = std::net::TcpStream::connect(address(&server)).unwrap();
            stream.write_all(&bytes[..len]).unwrap();
            connections += 1;
            if ends {
                // It says that it sends no more, and then doesn't care for the answer.
                stream.shutdown(std::net::Shutdown::Write).unwrap();
            }
            if len % 3 > 0 {
                // After the server has seen it; else before it is accepted.
                until(|| server.counters().connections == connections).await;
                sleep(Duration::from_millis(len as u64 % 3)).await;
            }
            reset(stream);
        }
    }
    is_served(wire, &server).await;
    until(|| server.counters().connections == connections + 1).await;
    until(|| server.usage().connections <= 1).await;
    let counters = server.counters();
    assert!(Limit::ALL.iter().all(|limit| counters.exceeded(*limit) == 0), "{counters:?}");
    assert!(server.drain(SOON).await, "nothing of them is left");
}

async fn a_flood_of_connections_that_are_reset(wire: On) {
    let server = start().await;
    let flood = {
        let address = address(&server).to_owned();
        let bytes = call(wire, "ping");
        std::thread::spawn(move || {
            for number in 0..2000_usize {
                let Ok(mut stream) = std::net::TcpStream::connect(&address) else { continue };
                let _ = stream.write_all(&bytes[..number % (bytes.len() + 1)]);
                reset(stream);
            }
        })
    };
    let (mut served, mut driven_out) = (0, 0);
    while !flood.is_finished() {
        // Where so many come at once, one who has just come may have to go.
        match timeout(SOON, ping(wire, &server)).await.expect("in time") {
            Ok(()) => served += 1,
            Err(_) => driven_out += 1,
        }
    }
    flood.join().unwrap();
    assert!(served > 0, "{driven_out}");
    is_served(wire, &server).await;
    assert!(server.drain(SOON).await, "nothing of them is left");
}

/// On the native wire the calls of one connection are counted; on Ruby's one follows the other.
async fn more_calls_than_are_served_at_once(wire: On) {
    let server = start().await;
    let (mut reading, mut writing) =
        TcpStream::connect(address(&server)).await.unwrap().into_split();
    let calls: Vec<u8> = match wire {
        On::Ruby => call(wire, "ping").repeat(20_000),
        _ => {
            let further = (1..10_000).flat_map(again);
            call(wire, "wait").into_iter().chain(further).collect()
        }
    };
    let writer = tokio::spawn(async move {
        let written = writing.write_all(&calls).await;
        // What comes behind it, too.
        (writing, written)
    });
    let (mut answers, mut buffer) = (0, vec![0; 64 << 10]);
    // Answers to pings, of 14 bytes each; or refusals of all calls but 256.
    let (expected, refused) = if wire == On::Ruby { (20_000 * 14, 0) } else { (0, 10_000 - 256) };
    while answers < expected || server.counters().exceeded(Limit::Calls) < refused {
        let read = timeout(SOON, reading.read(&mut buffer)).await.expect("in time").unwrap();
        assert_ne!(read, 0, "the connection goes on");
        answers += read;
    }
    let (writing, written) = writer.await.unwrap();
    written.unwrap();
    is_served(wire, &server).await;
    assert_eq!(server.counters().exceeded(Limit::Calls), refused);
    drop((reading, writing));
    assert!(server.drain(SOON).await, "nothing of them is left");
}

/// Whoever was given an object reaches it; whoever guesses reaches nothing.
async fn forged_references_reach_nothing(wire: On) {
    let server = start().await;
    let uri = wire.elsewhere(&server);
    let shop: ShopProxy = Client::new().connect(&uri).await.unwrap();
    let counters: Vec<CounterProxy> = {
        let mut counters = Vec::new();
        for _ in 0..20 {
            counters.push(shop.counter().await.unwrap());
        }
        counters
    };
    let withdrawn = counters[0].clone();
    match wire {
        // What Ruby would have to guess are 62 bits.
        On::Ruby => {
            assert!(server.withdraw(&withdrawn));
            for id in (0..200).chain((8..62).map(|bit| 1_u64 << bit)) {
                let mut stream = TcpStream::connect(address(&server)).await.unwrap();
                stream.write_all(&request(&integer(id), "inc", &[])).await.unwrap();
                let mut answer = Vec::new();
                timeout(SOON, stream.read_to_end(&mut answer)).await.expect("in time").unwrap();
                assert!(answer.windows(17).any(|window| window == b"invalid reference"), "{id}");
            }
            let stale = withdrawn.inc().await.unwrap_err();
            assert!(matches!(stale, Error::Gone(_)), "{stale:?}");
        }
        // Another connection has a table of its own, whatever it says.
        _ => {
            let mut stream = TcpStream::connect(address(&server)).await.unwrap();
            let mut bytes = [GREETING, &frame(NAME, b"inc")].concat();
            let mut calls = 0_u8;
            for place in 0..16 {
                for generation in 0..4 {
                    bytes.extend(frame(CALL, &[calls, 1, place, generation, 0, 0, 0]));
                    calls += 1;
                }
            }
            stream.write_all(&bytes).await.unwrap();
            let mut answers = Vec::new();
            let refusals = |answers: &[u8]| {
                answers.windows(17).filter(|window| *window == b"invalid reference").count()
            };
            while refusals(&answers) < 64 {
                let read = timeout(SOON, stream.read_buf(&mut answers)).await.expect("in time");
                assert_ne!(read.unwrap(), 0, "the connection goes on");
            }
        }
    }
    for counter in counters.iter().skip(1) {
        assert_eq!(counter.inc().await.unwrap(), 1, "nobody else has called it");
    }
}

/// An integer in Marshal.
fn integer(integer: u64) -> Vec<u8> {
    let bytes = integer.to_le_bytes();
    match integer {
        0 => b"\x04\x08i\0".to_vec(),
        1..0x4000_0000 => [b"\x04\x08i\x04".as_slice(), &bytes[..4]].concat(),
        _ => [b"\x04\x08l+\x09".as_slice(), &bytes].concat(),
    }
}

/// A call on Ruby's wire with arguments in Marshal.
fn request(target: &[u8], method: &str, arguments: &[&[u8]]) -> Vec<u8> {
    let short = |byte: u8, len: usize| vec![4, 8, byte, if len == 0 { 0 } else { len as u8 + 5 }];
    let name = [short(b'"', method.len()), method.as_bytes().to_vec()].concat();
    let count = short(b'i', arguments.len());
    let nil: &[u8] = b"\x04\x080";
    let parts = [&[target, &name, &count], arguments, &[nil]].concat();
    let framed = |part: &&[u8]| [&(part.len() as u32).to_be_bytes(), *part].concat();
    parts.iter().flat_map(framed).collect()
}

/// One end of a connection whose other end is a server's, in memory.
async fn link(limits: Limits, room: usize) -> (Server, DuplexStream) {
    let server = Server::builder().front(Shop).limits(limits);
    let server = server.start_without_listener("drb://shop:1").unwrap();
    let (near, far) = duplex(room);
    server.serve_stream(far, Peer::Named("hostile".into())).await.unwrap();
    (server, near)
}

fn exceeded(server: &Server) -> Vec<Limit> {
    let counters = server.counters();
    Limit::ALL.into_iter().filter(|limit| counters.exceeded(*limit) > 0).collect()
}

/// Both wires' peers who ask for much and read nothing.
#[tokio::test(start_paused = true)]
async fn who_reads_nothing_is_given_up() {
    for wire in [On::Ruby, On::Native] {
        let (server, mut link) = link(Limits::default(), 64 << 10).await;
        link.write_all(&call(wire, "large")).await.unwrap();
        let begun = Instant::now();
        let stall = Limits::default().stall;
        until_gone(&mut link).await;
        let elapsed = begun.elapsed();
        assert!((stall..stall + Duration::from_secs(2)).contains(&elapsed), "{elapsed:?}");
        assert_eq!(exceeded(&server), [Limit::Stall], "{wire:?}");
    }
}

/// One who reads slowly, but reads, is not. (What is under way on the
/// native wire: `flow.rs`.)
#[tokio::test(start_paused = true)]
async fn who_reads_slowly_is_served() {
    let (server, mut link) = link(Limits::default(), 64 << 10).await;
    link.write_all(&call(On::Ruby, "large")).await.unwrap();
    let (mut read, mut buffer) = (0, vec![0; 32 << 10]);
    while read < 1 << 20 {
        sleep(Duration::from_secs(10)).await;
        let more = link.read(&mut buffer).await.unwrap();
        assert_ne!(more, 0, "after {read}");
        read += more;
    }
    assert_eq!(exceeded(&server), []);
}

/// One who writes a byte now and then.
#[tokio::test(start_paused = true)]
async fn who_writes_too_slowly_is_given_up() {
    let stall = Limits::default().stall.as_secs();
    for (wire, begun) in [
        // Of each frame some 200 KiB are to come.
        (On::Ruby, b"\0\x03\x20\0\x04\x08\"".to_vec()),
        (On::Native, [GREETING, &[NAME, 3, 0x20, 0]].concat()),
    ] {
        for (each_second, is_served) in [(1030, true), (1000, false)] {
            let (server, mut link) = link(Limits::default(), 64 << 10).await;
            link.write_all(&begun).await.unwrap();
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(100) {
                sleep(Duration::from_secs(1)).await;
                if link.write_all(&vec![0; each_second]).await.is_err() {
                    break;
                }
            }
            let elapsed = start.elapsed().as_secs();
            let expected = if is_served { 100..101 } else { stall..stall + 5 };
            assert!(expected.contains(&elapsed), "{wire:?}: {elapsed}");
            let limits = if is_served { vec![] } else { vec![Limit::Progress] };
            assert_eq!(exceeded(&server), limits, "{wire:?}");
        }
    }
}

async fn until_gone(link: &mut DuplexStream) {
    // Nothing is read: writing shows that the other end is gone.
    timeout(Duration::from_secs(3600), async {
        while link.write_all(&frame(0x31, &[])).await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
    })
    .await
    .expect("in time");
}

/// Sends the same again and again until the server closes; which limits it names then.
async fn flood(begin: Vec<u8>, again: impl Fn(usize) -> Vec<u8>) -> Vec<Limit> {
    let server = start().await;
    let (mut reading, mut writing) =
        TcpStream::connect(address(&server)).await.unwrap().into_split();
    let reader = tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while matches!(reading.read(&mut buffer).await, Ok(1..)) {}
    });
    writing.write_all(&begin).await.unwrap();
    for number in 0..100_000 {
        if writing.write_all(&again(number)).await.is_err() {
            break;
        }
    }
    timeout(SOON, reader).await.expect("the server closes in time").unwrap();
    is_served(On::Native, &server).await;
    until(|| server.usage().connections <= 1).await;
    let limits = exceeded(&server);
    assert!(server.drain(SOON).await, "nothing of it is left");
    limits
}

#[tokio::test]
async fn floods_of_what_costs_a_peer_nothing() {
    let greeting = || GREETING.to_vec();
    assert_eq!(flood(greeting(), |_| frame(PING, &[])).await, [Limit::Pings]);
    assert_eq!(flood(greeting(), |_| frame(RELEASE, &[])).await, [Limit::EmptyFrames]);
    let wait = [GREETING, &frame(NAME, b"wait")].concat();
    let cancelled = |number: usize| {
        let number = number as u16 & 0x3fff;
        let id = [number as u8 & 0x7f | 0x80, (number >> 7) as u8];
        [again(number), frame(CANCEL, &id)].concat()
    };
    // A method that is cancelled counts until it has ended.
    let limits = flood(wait, cancelled).await;
    assert!(limits == [Limit::Cancels] || limits == [Limit::Calls, Limit::Cancels], "{limits:?}");
    // What is not held is released: it has no bound of its own, and ends the connection.
    assert_eq!(flood(greeting(), |_| frame(RELEASE, &[7, 0, 1])).await, []);
}

/// A peer who calls as fast as it is listened to, and answers nothing: this is what it says next.
struct Talks(Vec<u8>);

impl AsyncRead for Talks {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = self.0.len().min(buffer.remaining());
        buffer.put_slice(&self.0[..len]);
        self.0.drain(..len);
        if self.0.is_empty() {
            self.0 = again(0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Talks {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn who_never_pauses_does_not_hold_off_deadlines() {
    let connector = |_| async { Ok(Talks(call(On::Native, "ping"))) };
    let client = Client::builder().connector(connector).build();
    let shop: ShopProxy = client.connect("drb://shop:1").await.unwrap();
    let waits = shop.wait().deadline(Duration::from_millis(50));
    let error = timeout(SOON, waits).await.expect("in time").unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
}

#[tokio::test]
async fn who_never_pauses_does_not_hold_off_the_end() {
    let server = Server::builder().front(Shop).start_without_listener("drb://shop:1").unwrap();
    let talks = Talks(call(On::Native, "ping"));
    server.serve_stream(talks, Peer::Named("hostile".into())).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    server.stop();
    assert!(server.drain(Duration::from_secs(5)).await, "it ends");
}

#[tokio::test]
async fn lies_about_lengths() {
    let server = start().await;
    let limits = Limits::default();
    // (What is sent, whether that is all, what the server names.)
    let table: Vec<(Vec<u8>, Option<Limit>)> = vec![
        ((limits.frame as u32 + 1).to_be_bytes().to_vec(), Some(Limit::Frame)),
        (vec![0xff; 4], Some(Limit::Frame)),
        // An array of 2^30 elements in a frame of a few bytes.
        (request(b"\x04\x080", "echo", &[b"\x04\x08[\x04\0\0\0\x40"]), None),
        // A string that is said to be longer than its frame.
        (request(b"\x04\x080", "echo", &[b"\x04\x08\"\x04\xff\xff\xff\x7f"]), None),
        ([GREETING, &[NAME, 0xff, 0xff, 0xff]].concat(), None),
        (
            [GREETING, &frame(NAME, b"echo"), &frame(CALL, &[0, 0, 0, 0, 0xff, 0xff, 0x7f])]
                .concat(),
            Some(Limit::Arguments),
        ),
        // A value within the message is said to be longer than that.
        (
            [
                GREETING,
                &frame(NAME, b"echo"),
                &frame(CALL, &[0, 0, 0, 0, 1, 0xdd, 0xff, 0xff, 0xff, 0xff]),
            ]
            .concat(),
            None,
        ),
        (
            [
                GREETING,
                &frame(NAME, b"echo"),
                &frame(CALL | MORE, &[0, 0, 0, 0, 1, 0xc6, 0xff, 0xff, 0xff, 0xff]),
            ]
            .concat(),
            None,
        ),
    ];
    for (bytes, limit) in table {
        let before = limit.map(|limit| server.counters().exceeded(limit));
        let mut stream = TcpStream::connect(address(&server)).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        // It says that no more comes, and so has an end whatever the server has believed.
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an end in time");
        let after = limit.map(|limit| server.counters().exceeded(limit));
        assert_eq!(after, before.map(|before| before + 1), "{limit:?} {bytes:02x?}");
    }
    is_served(On::Ruby, &server).await;
    is_served(On::Native, &server).await;
}
