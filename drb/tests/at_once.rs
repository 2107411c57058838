//! Who sends a call over the native wire: its caller, while no other is under way, else the connection's task.

mod counted;

use counted::Counted;
use drb::{Client, DrbUndumped, Error, Outcome, Peer, Server};
use futures_util::FutureExt;
use std::{
    future::{Future, IntoFuture, pending, poll_fn},
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::{
    io::duplex,
    task::yield_now,
    time::{Instant, timeout},
};

/// It knows how often the server has written.
struct Echo(Arc<AtomicUsize>);

#[drb::service]
impl Echo {
    /// How often that was before, and much beside it.
    pub fn large(&self) -> (usize, Vec<u8>) {
        (self.0.load(Ordering::SeqCst), vec![0; 100_000])
    }

    pub fn echo(&self, text: String) -> String {
        text
    }

    pub async fn never(&self) {
        pending().await
    }

    pub async fn ask(&self, other: OtherProxy) -> drb::Result<i64> {
        other.give().await
    }

    /// Lets go of it, and goes on.
    pub async fn forget(&self, other: OtherProxy) {
        yield_now().await;
        drop(other);
        pending().await
    }
}

#[derive(DrbUndumped)]
struct Other;

#[drb::service]
impl Other {
    pub fn give(&self) -> i64 {
        5
    }
}

struct Two {
    echo: EchoProxy,
    writes: Arc<AtomicUsize>,
    /// Those of the server.
    answers: Arc<AtomicUsize>,
    _server: Server,
}

/// A client and a server over memory that holds so many bytes in either direction, after a first call.
async fn connected(room: usize) -> Two {
    let (writes, answers) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let echo = Echo(Arc::clone(&answers));
    let server = Server::builder().front(echo).start_without_listener("drb://here:1").unwrap();
    let connector = {
        let (server, writes, answers) = (server.clone(), Arc::clone(&writes), Arc::clone(&answers));
        move |_| {
            let (near, far) = duplex(room);
            let near = Counted { writes: Arc::clone(&writes), ..Counted::new(near) };
            let far = Counted { writes: Arc::clone(&answers), ..Counted::new(far) };
            let server = server.clone();
            async move {
                let peer = Peer::Named("client".into());
                server.serve_stream(far, peer).await.map_err(io::Error::other)?;
                Ok(near)
            }
        }
    };
    let client = Client::builder().connector(connector).build();
    let echo: EchoProxy = client.connect("drb://here:1").await.unwrap();
    assert_eq!(echo.echo("first").await.unwrap(), "first");
    settle().await;
    Two { echo, writes, answers, _server: server }
}

/// Polls a call once, and says whether it waits.
async fn waits<T>(mut call: Pin<&mut impl Future<Output = T>>) -> bool {
    poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await
}

/// Lets all others come to their rest.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn the_only_call_is_sent_by_its_caller() {
    let Two { echo, writes, _server, .. } = connected(1 << 16).await;
    let before = writes.load(Ordering::SeqCst);
    let mut first = pin!(echo.echo("alone").into_future());
    assert!(waits(first.as_mut()).await);
    // No other task has had a turn.
    let alone = writes.load(Ordering::SeqCst);
    assert!(alone > before);

    let mut second = pin!(echo.echo("beside").into_future());
    let mut third = pin!(echo.echo("beside both").into_future());
    assert!(waits(second.as_mut()).await);
    assert!(waits(third.as_mut()).await);
    // These go out together.
    assert_eq!(writes.load(Ordering::SeqCst), alone);
    settle().await;
    assert_eq!(first.now_or_never().unwrap().unwrap(), "alone");
    assert_eq!(second.now_or_never().unwrap().unwrap(), "beside");
    assert_eq!(third.now_or_never().unwrap().unwrap(), "beside both");
}

#[tokio::test]
async fn what_the_caller_cannot_send_the_task_does() {
    let Two { echo, _server, .. } = connected(7).await;
    for len in [0, 1, 6, 7, 8, 100, 40_000] {
        let text = "x".repeat(len);
        let given = timeout(Duration::from_secs(10), echo.echo(text.as_str())).await;
        assert_eq!(given.expect("it goes on").unwrap(), text);
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_wakes_for_a_call_that_it_has_not_sent() {
    let Two { echo, _server, .. } = connected(1 << 16).await;
    let asked = Instant::now();
    let deadline = Duration::from_millis(20);
    let failed = echo.never().deadline(deadline).await.unwrap_err();
    assert!(
        matches!(failed, Error::DeadlineExceeded { outcome: Outcome::Unknown, .. }),
        "{failed:?}"
    );
    assert!(asked.elapsed() < deadline * 2, "{:?}", asked.elapsed());
}

/// What small calls wait for is not what all the others take together that have come with them.
#[tokio::test]
async fn much_begins_to_be_sent_before_more_is_made() {
    let Two { echo, answers, _server, .. } = connected(1 << 20).await;
    let before = answers.load(Ordering::SeqCst);
    // The first one is sent by itself, and those behind it together.
    let calls =
        async { tokio::join!(echo.echo("alone"), echo.large(), echo.echo("x"), echo.large()) };
    let (_, first, small, second) = timeout(Duration::from_secs(10), calls).await.unwrap();
    let ((first, _), (second, _)) = (first.unwrap(), second.unwrap());
    assert_eq!(small.unwrap(), "x");
    assert!(before < first && first < second, "{before} {first} {second}");
}

/// The client hears in one piece of what a method has given and of what it has let go of.
#[tokio::test]
async fn an_answer_takes_with_it_what_its_method_has_let_go_of() {
    let Two { echo, answers, _server, .. } = connected(1 << 16).await;
    let other = Arc::new(Other);
    let asks = async || assert_eq!(echo.ask(&other).await.unwrap(), 5);
    asks().await;
    let before = answers.load(Ordering::SeqCst);
    for _ in 0..10 {
        asks().await;
    }
    settle().await;
    assert_eq!(answers.load(Ordering::SeqCst) - before, 20, "a callback and an answer each");
    assert_eq!(Arc::strong_count(&other), 1);
}

#[tokio::test]
async fn who_goes_on_tells_at_once_what_it_has_let_go_of() {
    let Two { echo, _server, .. } = connected(1 << 16).await;
    let other = Arc::new(Other);
    let mut call = pin!(echo.forget(&other).into_future());
    assert!(waits(call.as_mut()).await);
    assert_eq!(Arc::strong_count(&other), 2);
    settle().await;
    assert!(waits(call.as_mut()).await);
    assert_eq!(Arc::strong_count(&other), 1);
}
