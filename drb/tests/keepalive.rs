//! How a dead peer of the native wire is found, and a silent one kept. The clock is the runtime's and
//! stands still while anything is to do, so the times are exact.

use drb::{Client, Closed, Error, Outcome, Peer, Server, Usage, prelude::*};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{self, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

const PING: [u8; 4] = [0x30, 0, 0, 0];
const PONG: [u8; 4] = [0x31, 0, 0, 0];
const CLOSE: &[u8] = b"\x34\0\0\x21the limit `keepalive` is exceeded";
const GREETING: &[u8] = b"drb\n\0\0\0\x01";

const ASKED: Duration = Duration::from_secs(15);
const DEAD: Duration = Duration::from_secs(45);

/// Timers go off with the next millisecond.
const TICK: Duration = Duration::from_millis(5);

/// One direction of a link.
#[derive(Default)]
struct Way {
    /// What is written arrives nowhere, and that the writer has gone is not seen either.
    cut: AtomicBool,
    pings: AtomicUsize,
}

/// One end of a link, whose ways can be cut.
struct End {
    stream: DuplexStream,
    out: Arc<Way>,
    back: Arc<Way>,
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(()))
                if buffer.filled().len() == before && self.back.cut.load(Ordering::SeqCst) =>
            {
                Poll::Pending
            }
            polled => polled,
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Nothing else has such bytes where these tests write.
        let pings = bytes.windows(PING.len()).filter(|bytes| **bytes == PING).count();
        self.out.pings.fetch_add(pings, Ordering::SeqCst);
        if self.out.cut.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[derive(DrbUndumped)]
struct Thing;

#[drb::service]
impl Thing {
    pub fn touch(&self) {}
}

#[derive(Default)]
struct Desk {
    things: Mutex<Vec<ThingProxy>>,
    /// How many methods were dropped where they waited.
    dropped: Arc<AtomicUsize>,
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[drb::service]
impl Desk {
    pub fn touch(&self) {}

    pub fn thing(&self) -> Thing {
        Thing
    }

    pub fn keep(&self, thing: ThingProxy) {
        self.things.lock().unwrap().push(thing);
    }

    pub async fn sleep(&self, seconds: u64) -> u64 {
        let _dropped = Dropped(Arc::clone(&self.dropped));
        sleep(Duration::from_secs(seconds)).await;
        seconds
    }
}

/// A client and a server with a link between them.
struct Site {
    own: Arc<Desk>,
    server: Server,
    client: Client,
    desk: DeskProxy,
    there: Arc<Way>,
    back: Arc<Way>,
}

async fn site() -> Site {
    let own = Arc::new(Desk::default());
    let server = Server::builder().front(Arc::clone(&own));
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let (there, back) = (Arc::<Way>::default(), Arc::<Way>::default());
    let connector = {
        let (server, there, back) = (server.clone(), Arc::clone(&there), Arc::clone(&back));
        move |_| {
            let (near, far) = duplex(1 << 20);
            let near = End { stream: near, out: Arc::clone(&there), back: Arc::clone(&back) };
            let far = End { stream: far, out: Arc::clone(&back), back: Arc::clone(&there) };
            let server = server.clone();
            async move {
                let peer = Peer::Named("client".into());
                server.serve_stream(far, peer).await.map_err(io::Error::other)?;
                Ok(near)
            }
        }
    };
    let client = Client::builder().connector(connector).build();
    let desk: DeskProxy = client.connect("drb://desk:1").await.unwrap();
    desk.touch().await.unwrap();
    Site { own, server, client, desk, there, back }
}

impl Site {
    fn cut(&self, there: bool, back: bool) {
        self.there.cut.store(there, Ordering::SeqCst);
        self.back.cut.store(back, Ordering::SeqCst);
    }

    fn pings(&self) -> usize {
        self.there.pings.load(Ordering::SeqCst) + self.back.pings.load(Ordering::SeqCst)
    }

    /// A call that has begun to run.
    async fn running(&self) -> JoinHandle<drb::Result<u64>> {
        let desk = self.desk.clone();
        let call = tokio::spawn(async move { desk.sleep(100_000).no_deadline().await });
        self.desk.touch().await.unwrap();
        call
    }
}

/// Waits for it, and says how long that took.
async fn took<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let done = timeout(Duration::from_secs(100_000), future).await.expect("it never comes");
    (done, begun.elapsed())
}

fn is(took: Duration, expected: Duration) -> bool {
    (expected..expected + TICK).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_found_45_s_after_its_last_byte() {
    let site = site().await;
    let thing = site.desk.thing().await.unwrap();
    site.desk.keep(Arc::new(Thing)).await.unwrap();
    let running = site.running().await;
    let theirs = site.own.things.lock().unwrap()[0].clone();
    site.cut(true, true);
    // As the client sees it, and as the server does.
    let closing = tokio::spawn(async move {
        tokio::join!(took(thing.closed()), took(site.desk.closed()), took(theirs.closed()))
    });
    let (ended, after) = took(running).await;
    assert!(is(after, DEAD), "{after:?}");
    let error = ended.unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    let (thing, desk, theirs) = closing.await.unwrap();
    for (reason, after) in [thing, desk, theirs] {
        assert_eq!(reason, Closed::ConnectionLost);
        assert!(is(after, DEAD), "{after:?}");
    }
    site.own.things.lock().unwrap().clear();
    // The method is stopped, and nothing is left on either side.
    sleep(TICK).await;
    assert_eq!(site.own.dropped.load(Ordering::SeqCst), 1);
    assert_eq!((site.server.usage(), site.client.usage()), (Usage::default(), Usage::default()));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_while_nobody_knows_is_lost_in_time_and_the_next_call_connects() {
    let site = site().await;
    site.cut(true, true);
    sleep(Duration::from_secs(10)).await;
    // It is written, so nobody can say whether it has arrived.
    let (error, after) = took(site.desk.touch().no_deadline()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { outcome: Outcome::Unknown, .. }), "{error:?}");
    assert!(is(after, DEAD - Duration::from_secs(10)), "{after:?}");
    site.cut(false, false);
    let (done, after) = took(site.desk.touch()).await;
    assert_eq!(done, Ok(()));
    assert!(after < TICK, "{after:?}");
    // A deadline is kept as ever.
    site.cut(true, true);
    let (error, after) = took(site.desk.touch()).await;
    assert!(matches!(error, Err(Error::DeadlineExceeded { outcome: Outcome::Unknown, .. })));
    assert!(is(after, Duration::from_secs(30)), "{after:?}");
}

/// The side that hears nothing gives up, and the other one is told by the end of the connection.
#[tokio::test(start_paused = true)]
async fn a_link_that_works_one_way_only_is_dead() {
    for (there, back) in [(true, false), (false, true)] {
        let site = site().await;
        let thing = site.desk.thing().await.unwrap();
        let running = site.running().await;
        site.cut(there, back);
        let (reason, after) = took(thing.closed()).await;
        assert_eq!(reason, Closed::ConnectionLost);
        // Where the server gives up first, the client has that moment to hear of it.
        assert!(is(after, DEAD), "there {there}, back {back}: {after:?}");
        let error = running.await.unwrap().unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
        drop(thing);
        sleep(TICK).await;
        // The server that hears its client end knows it at once; else it finds out by itself.
        let (gone, after) = took(async {
            while site.server.usage() != Usage::default() {
                sleep(TICK).await;
            }
        })
        .await;
        let () = gone;
        assert!(after <= DEAD + TICK, "there {there}, back {back}: {after:?}");
        assert_eq!(site.own.dropped.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_but_alive_is_kept() {
    let site = site().await;
    let thing = site.desk.thing().await.unwrap();
    let begun = Instant::now();
    // A method that says nothing for an hour.
    assert_eq!(site.desk.sleep(3600).no_deadline().await, Ok(3600));
    assert!(is(begun.elapsed(), Duration::from_secs(3600)), "{:?}", begun.elapsed());
    // And no call at all for a day.
    sleep(Duration::from_secs(24 * 3600)).await;
    thing.touch().await.unwrap();
    assert_eq!(site.client.usage().connections, 1);
    assert!(site.pings() > 25 * 60, "{}", site.pings());
}

#[tokio::test(start_paused = true)]
async fn who_has_something_to_say_is_not_asked() {
    let site = site().await;
    for _ in 0..500 {
        sleep(ASKED - Duration::from_secs(1)).await;
        site.desk.touch().await.unwrap();
    }
    assert_eq!(site.pings(), 0);
}

/// What a peer written by hand has to hear and when, whichever side it is.
async fn hand_written(mut peer: DuplexStream, kept: impl Future<Output = ()>) {
    let mut greeting = [0; 8];
    peer.write_all(GREETING).await.unwrap();
    peer.read_exact(&mut greeting).await.unwrap();
    assert_eq!(greeting, GREETING);
    tokio::pin!(kept);
    let mut frame = [0; 4];
    let mut heard = Instant::now();
    for _ in 0..4 {
        tokio::select! {
            read = peer.read_exact(&mut frame) => drop(read.unwrap()),
            () = &mut kept => panic!("it ends"),
        }
        assert_eq!(frame, PING);
        assert!(is(heard.elapsed(), ASKED), "{:?}", heard.elapsed());
        // Any byte will do; half an answer says that the peer is there, as well.
        sleep(Duration::from_secs(20)).await;
        peer.write_all(&PONG[..2]).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        peer.write_all(&PONG[2..]).await.unwrap();
        heard = Instant::now();
    }
    // Who asks is answered.
    peer.write_all(&PING).await.unwrap();
    peer.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, PONG);
    let heard = Instant::now();
    peer.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, PING);
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, CLOSE);
    assert!(is(heard.elapsed(), DEAD), "{:?}", heard.elapsed());
    kept.await;
}

#[tokio::test(start_paused = true)]
async fn a_server_asks_after_15_s_and_gives_up_after_45() {
    let server = Server::builder().front(Desk::default());
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let (near, far) = duplex(1000);
    server.serve_stream(far, Peer::Unix).await.unwrap();
    hand_written(near, async {
        while server.usage().connections > 0 {
            sleep(TICK).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_asks_after_15_s_and_gives_up_after_45() {
    let (near, far) = duplex(1000);
    let near = Mutex::new(Some(near));
    let connector = move |_| {
        let near = near.lock().unwrap().take();
        async move { near.ok_or_else(|| io::Error::other("there is one connection only")) }
    };
    let client = Client::builder().connector(connector).build();
    let desk: DeskProxy = client.connect("drb://desk:1").await.unwrap();
    hand_written(far, async { assert_eq!(desk.closed().await, Closed::ConnectionLost) }).await;
}

/// The time of silence is the program's to choose.
#[tokio::test(start_paused = true)]
async fn the_limit_says_how_long() {
    let keepalive = Duration::from_secs(2);
    let limits = drb::Limits { keepalive, ..drb::Limits::default() };
    let server = Server::builder().front(Desk::default()).limits(limits);
    let server = server.start_without_listener("drb://desk:1").unwrap();
    let (mut near, far) = duplex(1000);
    server.serve_stream(far, Peer::Unix).await.unwrap();
    near.write_all(GREETING).await.unwrap();
    let mut all = Vec::new();
    let (read, after) = took(near.read_to_end(&mut all)).await;
    read.unwrap();
    assert_eq!(all, [GREETING, &PING, CLOSE].concat());
    assert!(is(after, 3 * keepalive), "{after:?}");
}
