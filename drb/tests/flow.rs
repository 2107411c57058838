//! Flow control on the native wire, with a peer that reads but says what it likes. (Its bytes are written
//! by hand after `docs/native.md`.)

mod frames;

use bytes::Bytes;
use drb::{Client, Limits, Peer, Server};
use frames::frame;
use std::{io, sync::Mutex, time::Duration};
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

    pub fn put(&self, bytes: Bytes) -> usize {
        bytes.len()
    }
}

const CALL: u8 = 0x10;
const RESULT: u8 = 0x11;
const CLOSE: u8 = 0x34;
const EXCEPTION: u8 = 0x12;
const TAIL: u8 = 0x15;
const TAKEN: u8 = 0x16;
const PING: u8 = 0x30;
/// Of a frame's byte.
const FLAGS: u8 = 0xc0;

/// One end of a connection whose other end is a server's.
struct Raw(DuplexStream);

impl Raw {
    async fn connect(limits: Limits) -> (Server, Self) {
        let server = Server::builder().front(Store).limits(limits);
        let server = server.start_without_listener("drb://store:1").unwrap();
        let (near, far) = duplex(64 << 10);
        server.serve_stream(far, Peer::Named("raw".into())).await.unwrap();
        let mut raw = Self(near);
        raw.0.write_all(b"drb\n\0\0\0\x01").await.unwrap();
        raw.send(0x02, b"get").await;
        raw.0.read_exact(&mut [0; 8]).await.unwrap();
        (server, raw)
    }

    /// Greets a client, and takes its first call.
    async fn begin(&mut self) {
        self.0.write_all(b"drb\n\0\0\0\x01").await.unwrap();
        self.0.read_exact(&mut [0; 8]).await.unwrap();
        // The method stands before it.
        while self.next().await.unwrap().0 != CALL {}
    }

    async fn send(&mut self, byte: u8, body: &[u8]) {
        self.0.write_all(&frame(byte, body)).await.unwrap();
    }

    /// Calls `get`.
    async fn get(&mut self, id: u8, len: u32) {
        let [a, b, c, d] = len.to_be_bytes();
        self.send(CALL, &[id, 0, 0, 0, 1, 0xce, a, b, c, d]).await;
    }

    async fn say_taken(&mut self, bytes: usize) {
        let mut body = Vec::new();
        let mut left = bytes;
        while left >= 0x80 {
            body.push(left as u8 | 0x80);
            left >>= 7;
        }
        body.push(left as u8);
        self.send(TAKEN, &body).await;
    }

    /// Takes the frames that come until none comes any more, and says how many bytes of large strings these were.
    async fn take_all(&mut self) -> usize {
        let mut taken = 0;
        while let Ok(next) = tokio::time::timeout(Duration::from_millis(1), self.next()).await {
            let (byte, body) = next.unwrap();
            taken += if byte == TAIL { body.len() } else { 0 };
        }
        taken
    }

    /// The next frame but for pings: its byte without flags, and what is in it. `None` at the end.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let mut head = [0; 4];
            self.0.read_exact(&mut head).await.ok()?;
            let byte = std::mem::take(&mut head[0]) & !FLAGS;
            let mut body = vec![0; u32::from_be_bytes(head) as usize];
            self.0.read_exact(&mut body).await.ok()?;
            if byte != PING {
                return Some((byte, body));
            }
        }
    }
}

const LARGE: u32 = 3 << 20;

#[tokio::test(start_paused = true)]
async fn no_more_is_under_way_than_the_peer_takes() {
    let (_server, mut raw) = Raw::connect(Limits::default()).await;
    raw.get(0, LARGE).await;
    assert_eq!(raw.next().await.unwrap().0, RESULT);
    let (mut arrived, mut untold, mut most) = (0, 0, 0);
    while arrived < LARGE as usize {
        let next = tokio::time::timeout(Duration::from_millis(1), raw.next()).await;
        match next {
            Ok(Some((TAIL, body))) => {
                untold += body.len();
                // A byte, the call's number, and the padding.
                arrived += body.len() - 3 - usize::from(body[2]);
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => {
                most = most.max(untold);
                raw.say_taken(std::mem::take(&mut untold)).await;
            }
        }
    }
    assert!((1 << 20..3 << 20).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (_server, mut raw) = Raw::connect(Limits::default()).await;
    let begun = Instant::now();
    raw.get(0, LARGE).await;
    while raw.next().await.is_some() {}
    let took = begun.elapsed();
    assert!((30..31).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_more_than_was_sent_is_given_up() {
    let (_server, mut raw) = Raw::connect(Limits::default()).await;
    raw.get(0, 10).await;
    assert_eq!(raw.next().await.unwrap().0, RESULT);
    raw.say_taken(1).await;
    // It is told why.
    let (kind, why) = raw.next().await.unwrap();
    assert_eq!(kind, CLOSE);
    assert!(String::from_utf8_lossy(&why).contains("more bytes taken than were sent"), "{why:?}");
    assert_eq!(raw.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn calls_are_refused_while_too_much_waits_to_be_sent() {
    let limits = Limits { outbound: 1 << 20, ..Limits::default() };
    let (_server, mut raw) = Raw::connect(limits).await;
    // Below the limit: some of it waits until the peer has taken the rest.
    raw.get(0, 2 << 20).await;
    assert_eq!(raw.next().await.unwrap().0, RESULT);
    let (mut whole, mut untold) = (0, 0);
    while let Ok(next) = tokio::time::timeout(Duration::from_millis(1), raw.next()).await {
        let (byte, piece) = next.unwrap();
        assert_eq!(byte, TAIL);
        untold += piece.len();
        whole += piece.len() - 3 - usize::from(piece[2]);
    }
    assert!((1 << 20..2 << 20).contains(&whole), "{whole}");
    raw.get(1, 10).await;
    assert_eq!(raw.next().await.unwrap().0, RESULT);
    // And beyond it.
    raw.get(2, 1 << 20).await;
    raw.get(3, 10).await;
    let (byte, body) = raw.next().await.unwrap();
    assert_eq!((byte, body[0]), (EXCEPTION, 3));
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(text.contains("outbound"), "{text}");
    // What waits arrives as soon as it is asked for.
    raw.say_taken(untold).await;
    while whole < 3 << 20 {
        let (byte, body) = raw.next().await.unwrap();
        assert!([RESULT, TAIL].contains(&byte));
        if byte == TAIL {
            raw.say_taken(body.len()).await;
            whole += body.len() - 3 - usize::from(body[2]);
        }
    }
    raw.get(4, 10).await;
    assert_eq!(raw.next().await.unwrap().0, RESULT);
}

/// Two objects as a client has them, and the peer that it takes for their server.
async fn client() -> (StoreProxy, StoreProxy, Raw) {
    let (near, far) = duplex(1 << 20);
    let near = Mutex::new(Some(near));
    let connect = move |_| {
        let near = near.lock().unwrap().take().ok_or(io::ErrorKind::AddrInUse.into());
        async move { near }
    };
    let client = Client::builder().connector(connect).build();
    let store = client.connect("drb://store:1").await.unwrap();
    let other = client.connect("drb://store:1?other").await.unwrap();
    (store, other, Raw(far))
}

const NOTHING: [u8; 3] = [0, 0xc4, 0];

#[tokio::test(start_paused = true)]
async fn who_calls_again_goes_before_the_next_piece() {
    let (store, other, mut raw) = client().await;
    tokio::spawn(async move { while other.get(0).await.is_ok() {} });
    raw.begin().await;
    tokio::spawn(async move { store.put(vec![1; LARGE as usize]).await });
    let mut untold = raw.take_all().await;
    for _ in 0..6 {
        // More of the large one may be sent, and at the same time the caller has its answer.
        raw.say_taken(untold).await;
        raw.send(RESULT, &NOTHING).await;
        assert_eq!(raw.next().await.unwrap().0, CALL);
        let (byte, piece) = raw.next().await.unwrap();
        assert_eq!(byte, TAIL);
        untold = piece.len() + raw.take_all().await;
    }
}

/// Nothing else is under way, so its caller begins to send it, and stops after a piece.
#[tokio::test(start_paused = true)]
async fn what_a_caller_leaves_of_its_large_call_the_connection_sends() {
    let (store, other, mut raw) = client().await;
    let calls = tokio::spawn(async move {
        other.get(0).await.unwrap();
        store.put(vec![1; 16 << 10]).await.unwrap();
        // The connection rests.
        sleep(Duration::from_millis(10)).await;
        store.put(vec![1; LARGE as usize]).await
    });
    raw.begin().await;
    raw.send(RESULT, &NOTHING).await;
    // It is seen how long the way is.
    let taken = raw.take_all().await;
    raw.say_taken(taken).await;
    raw.send(RESULT, &[0, 1]).await;
    sleep(Duration::from_millis(10)).await;
    let (begun, window) = (Instant::now(), raw.take_all().await);
    assert!(window > 32 << 10, "{window}");
    assert!(begun.elapsed() < Duration::from_millis(10), "{:?}", begun.elapsed());
    assert!(!calls.is_finished());
}
