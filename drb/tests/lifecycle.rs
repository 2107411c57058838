//! Servers that stop, calls that take too long, connections that break: what is told, and whether it
//! is true.

mod store;
mod wires;

use drb::{Acl, Error, Limit, Limits, Outcome, Server};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use store::{Store, StoreProxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use wires::{On, everywhere};

const SOON: Duration = Duration::from_secs(10);

async fn start(wire: On) -> (Server, StoreProxy) {
    let server = drb::start_service(wire.at(), Store::default()).await.unwrap();
    let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    (server, store)
}

/// Over Ruby's wire.
fn elsewhere(server: &Server) -> String {
    On::Ruby.elsewhere(server)
}

fn outcome<T: std::fmt::Debug>(result: Result<T, Error>) -> (Error, Outcome) {
    let error = result.unwrap_err();
    let outcome = error.outcome();
    (error, outcome)
}

/// On the native wire the connection goes on.
#[tokio::test]
async fn a_deadline_ends_a_call_and_its_connection() {
    let (_server, store) = start(On::Ruby).await;
    let peer = store.peer().await.unwrap();
    assert_eq!(store.peer().await.unwrap(), peer, "the connection is kept");
    let begun = Instant::now();
    let call = store.sleep(400).deadline(Duration::from_millis(50)).await;
    let (error, outcome) = outcome(call);
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    assert_eq!(outcome, Outcome::Unknown);
    assert!(begun.elapsed() < Duration::from_millis(350));
    // The late reply goes to nobody.
    assert_ne!(store.peer().await.unwrap(), peer);
    // The method has come to its end nevertheless.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(store.get("slept").await.unwrap(), 1);
}

mod connected {
    use super::{
        a_connection_lost_after_the_request_leaves_the_question_open,
        a_request_that_never_left_as_a_whole_has_not_run,
        an_idle_connection_is_closed_after_a_while, there_are_no_more_connections_than_allowed,
        unix_sockets_work_the_same,
    };

    crate::wires::on_both_wires!(
        there_are_no_more_connections_than_allowed,
        a_connection_lost_after_the_request_leaves_the_question_open,
        a_request_that_never_left_as_a_whole_has_not_run,
        unix_sockets_work_the_same,
        an_idle_connection_is_closed_after_a_while
    );
}

everywhere!(
    deadlines_follow_one_another_on_one_connection,
    a_restarted_server_is_found_again,
    stopping_brings_running_calls_to_their_end,
    draining_has_an_end,
    a_method_that_stops_its_server_is_answered,
    named_objects_have_uris_of_their_own,
    the_hook_hears_of_failed_calls,
    a_result_that_is_too_large_has_been_made,
    a_peer_is_given_no_more_objects_than_allowed,
);

async fn deadlines_follow_one_another_on_one_connection(wire: On) {
    let (_server, store) = start(wire).await;
    // A long one first, then a short one: the timer has to be set back, and forth again.
    assert_eq!(store.sleep(1).await.unwrap(), 1);
    let slow = store.sleep(300).deadline(Duration::from_millis(30)).await;
    assert!(matches!(slow, Err(Error::DeadlineExceeded { .. })));
    assert_eq!(store.sleep(1).deadline(Duration::from_millis(200)).await.unwrap(), 2);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert!(store.sleep(1).await.is_ok());
    assert!(store.sleep(250).no_deadline().await.is_ok());
}

/// On the native wire the connection goes on.
#[tokio::test]
async fn a_dropped_call_takes_its_connection_with_it() {
    let (_server, store) = start(On::Ruby).await;
    let peer = store.peer().await.unwrap();
    let dropped = timeout(Duration::from_millis(30), store.sleep(200)).await;
    assert!(dropped.is_err());
    assert_ne!(store.peer().await.unwrap(), peer);
}

async fn a_restarted_server_is_found_again(wire: On) {
    let (server, store) = start(wire).await;
    store.inc("a", 1).await.unwrap();
    let uri = server.uri().to_owned();
    assert!(server.drain(SOON).await);
    let (error, outcome) = outcome(store.inc("a", 1).await);
    match wire {
        On::Ruby | On::Local => assert!(matches!(error, Error::Connect { .. }), "{error:?}"),
        // The client may hear of the end only now.
        On::Native => assert!(
            matches!(error, Error::Connect { .. } | Error::ConnectionLost { .. }),
            "{error:?}"
        ),
    }
    assert_eq!(outcome, Outcome::NotExecuted);

    let _server = drb::start_service(&uri, Store::default()).await.unwrap();
    assert_eq!(store.inc("a", 1).await.unwrap(), 1);
}

async fn stopping_brings_running_calls_to_their_end(wire: On) {
    let (server, store) = start(wire).await;
    let idle = store.clone();
    idle.inc("a", 1).await.unwrap();
    let running = tokio::spawn(async move { store.sleep(200).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.drain(SOON).await, "all calls came to their end");
    assert_eq!(running.await.unwrap().unwrap(), 1);
    assert!(matches!(idle.inc("a", 1).await, Err(Error::Connect { .. })));
}

async fn draining_has_an_end(wire: On) {
    let (server, store) = start(wire).await;
    let running = tokio::spawn(async move { store.sleep(60_000).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    assert!(!server.drain(Duration::from_millis(100)).await, "one was cut off");
    assert!(begun.elapsed() < SOON);
    let (error, outcome) = outcome(running.await.unwrap());
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert_eq!(outcome, Outcome::Unknown);
}

/// A service with a method that stops its server.
#[derive(Default)]
struct Mortal(OnceLock<Server>);

#[drb::service]
impl Mortal {
    pub fn stop(&self) -> String {
        self.0.get().unwrap().stop();
        "stopping".to_owned()
    }
}

async fn a_method_that_stops_its_server_is_answered(wire: On) {
    let mortal = Arc::new(Mortal::default());
    let server = drb::start_service(wire.at(), Arc::clone(&mortal)).await.unwrap();
    mortal.0.set(server.clone()).unwrap();
    let proxy = MortalProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    assert_eq!(proxy.stop().await.unwrap(), "stopping");
    timeout(SOON, server.wait()).await.unwrap();
    assert!(matches!(proxy.stop().await, Err(Error::Connect { .. })));
}

async fn a_connection_lost_after_the_request_leaves_the_question_open(wire: On) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("{}://{}", wire.scheme(), listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
        }
    });
    let store = StoreProxy::connect(&uri).await.unwrap();
    let (error, outcome) = outcome(store.inc("a", 1).await);
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert_eq!(outcome, Outcome::Unknown);
}

async fn a_request_that_never_left_as_a_whole_has_not_run(wire: On) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("{}://{}", wire.scheme(), listener.local_addr().unwrap());
    // It accepts, and never reads.
    let accepted = tokio::spawn(async move { (listener.accept().await, listener) });
    let store = StoreProxy::connect(&uri).await.unwrap();
    let large = drb::Value::bytes(vec![0; 20 << 20]);
    let (error, outcome) = outcome(store.echo(large).deadline(Duration::from_millis(200)).await);
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error:?}");
    assert_eq!(outcome, Outcome::NotExecuted);
    drop(accepted);
}

/// On the native wire it ends the connection, and every call on it.
#[tokio::test]
async fn what_is_no_reply_is_an_error_of_the_protocol() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("druby://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"\0\0\0\x04junk").await;
        }
    });
    let store = StoreProxy::connect(&uri).await.unwrap();
    let (error, outcome) = outcome(store.inc("a", 1).await);
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert_eq!(outcome, Outcome::Unknown);
}

/// On the native wire answers have numbers.
#[tokio::test]
async fn a_connection_with_something_unread_is_not_used_again() {
    // It answers the first request twice: the second answer would be taken for the next call's.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("druby://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let number = counter.fetch_add(1, Ordering::SeqCst) as u8 + 1;
            tokio::spawn(async move {
                let reply = [0, 0, 0, 3, 4, 8, b'T', 0, 0, 0, 4, 4, 8, b'i', number + 5];
                while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(&reply).await;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    let _ = stream.write_all(&reply).await;
                }
            });
        }
    });
    let store = StoreProxy::connect(&uri).await.unwrap();
    assert_eq!(store.inc("a", 1).await.unwrap(), 1);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(store.inc("a", 1).await.unwrap(), 2);
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn others_are_only_let_in_on_request() {
    for uri in ["druby://:0", "druby://0.0.0.0:0", "druby://:::0"] {
        let error = drb::start_service(uri, Store::default()).await.unwrap_err();
        assert!(matches!(error, Error::Exposed { .. }), "{uri}: {error:?}");
        assert!(error.to_string().contains("allow_everyone"), "{error}");
    }
    let server = Server::builder().front(Store::default()).allow_everyone();
    let server = server.start("druby://:0").await.unwrap();
    assert!(server.uri().starts_with("druby://"));
    let acl = Acl::parse("deny all  allow 127.0.0.1").unwrap();
    let server = Server::builder().front(Store::default()).acl(acl).start("druby://:0").await;
    let port = server.unwrap().uri().rsplit(':').next().unwrap().to_owned();
    let store = StoreProxy::connect(&format!("druby://127.0.0.1:{port}")).await.unwrap();
    store.inc("a", 1).await.unwrap();
    // 127.0.0.2 is this machine, too, but not on the list.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut denied = socket.connect(format!("127.0.0.1:{port}").parse().unwrap()).await.unwrap();
    let end = timeout(SOON, denied.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

/// Those of the native wire carry none.
#[tokio::test]
async fn references_carry_the_address_that_the_peer_has_come_to() {
    let server = Server::builder().front(Store::default()).allow_everyone();
    let server = server.start("druby://:0").await.unwrap();
    let port = server.uri().rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "127.0.0.3"] {
        let store = StoreProxy::connect(&format!("druby://{host}:{port}")).await.unwrap();
        let counter = store.counter().await.unwrap();
        let remote = drb::Proxy::remote(&counter);
        assert_eq!(remote.reference().uri(), Some(&*format!("druby://{host}:{port}")));
        assert_eq!(counter.next().await.unwrap(), 1);
    }
}

async fn named_objects_have_uris_of_their_own(wire: On) {
    let one = Store::default();
    one.inc("x", 41);
    let server = Server::builder().front(Store::default()).named("one", one);
    let server = server.start(wire.at()).await.unwrap();
    let front = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    let one = StoreProxy::connect(&format!("{}?one", wire.elsewhere(&server))).await.unwrap();
    let none = StoreProxy::connect(&format!("{}?none", wire.elsewhere(&server))).await.unwrap();
    assert_eq!(front.inc("x", 1).await.unwrap(), 1);
    assert_eq!(one.inc("x", 1).await.unwrap(), 42);
    assert!(matches!(none.inc("x", 1).await, Err(Error::Gone(_))));
}

async fn the_hook_hears_of_failed_calls(wire: On) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listening = Arc::clone(&heard);
    let server = Server::builder()
        .front(Store::default())
        .on_failed_call(move |call| {
            let what = format!("{:?}: {}", call.method, call.exception);
            listening.lock().unwrap().push(what);
            panic!("the hook itself fails");
        })
        .start(wire.at())
        .await
        .unwrap();
    let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    store.inc("a", 1).await.unwrap();
    store.get("b").await.unwrap_err();
    assert_eq!(*heard.lock().unwrap(), [r#"Some("get"): no `b` (RuntimeError)"#]);
}

async fn with_limits(limits: Limits) -> Server {
    with_limits_at(On::Ruby.at(), limits).await
}

async fn with_limits_at(uri: &str, limits: Limits) -> Server {
    let builder = Server::builder().front(Store::default()).limits(limits);
    builder.start(uri).await.unwrap()
}

async fn raw(server: &Server) -> TcpStream {
    TcpStream::connect(server.uri().strip_prefix("druby://").unwrap()).await.unwrap()
}

/// How long it takes until the server closes.
async fn closed_after(stream: &mut TcpStream) -> Duration {
    let begun = Instant::now();
    let end = timeout(SOON, stream.read(&mut [0; 1])).await.expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    begun.elapsed()
}

async fn an_idle_connection_is_closed_after_a_while(wire: On) {
    let idle = Duration::from_millis(200);
    let server = with_limits(Limits { idle, ..Limits::default() }).await;
    // Whoever calls again just dials again.
    let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    let begun = Instant::now();
    store.inc("a", 1).await.unwrap();
    while server.counters().exceeded(Limit::Idle) == 0 {
        assert!(begun.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(begun.elapsed() >= idle);
    assert_eq!(store.inc("a", 1).await.unwrap(), 2);
    assert_eq!((server.counters().exceeded(Limit::Idle), server.counters().connections), (1, 2));
}

#[tokio::test]
async fn a_message_has_to_get_on() {
    let stall = Duration::from_millis(300);
    let server = with_limits(Limits { stall, ..Limits::default() }).await;
    let mut stream = raw(&server).await;
    stream.write_all(&[0, 0, 0, 3]).await.unwrap();
    closed_after(&mut stream).await;
    assert_eq!(server.counters().exceeded(Limit::Progress), 1);

    // Whole frames, but too few bytes: the time runs for the message, not for its parts.
    let (mut reading, mut writing) = raw(&server).await.into_split();
    tokio::spawn(async move {
        let begin = [b"\0\0\0\x03\x04\x080".as_slice(), b"\0\0\0\x08\x04\x08\"\x09echo"].concat();
        writing.write_all(&begin).await.unwrap();
        writing.write_all(b"\0\0\0\x05\x04\x08i\x01\xff").await.unwrap();
        while writing.write_all(b"\0\0\0\x03\x04\x080").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let begun = Instant::now();
    let end = timeout(SOON, reading.read(&mut [0; 1])).await.expect("closed in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(server.counters().exceeded(Limit::Progress), 2);
}

async fn there_are_no_more_connections_than_allowed(wire: On) {
    let server = with_limits(Limits { connections: 2, ..Limits::default() }).await;
    let (one, _two) = (raw(&server).await, raw(&server).await);
    closed_after(&mut raw(&server).await).await;
    assert_eq!(server.counters().exceeded(Limit::Connections), 1);
    drop(one);
    // The place is free again.
    for _ in 0..100 {
        let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
        if store.inc("a", 1).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place of a connection that is gone stays taken");
}

#[tokio::test]
async fn connections_share_the_memory_for_requests() {
    // Each of the two fits, but never both: they need from 3 to 4 MiB, and 4 MiB.
    let server = with_limits(Limits { buffered: 5 << 20, ..Limits::default() }).await;
    let mut holder = raw(&server).await;
    holder.write_all(&[0, 64, 0, 0]).await.unwrap();
    holder.write_all(&vec![0; 3 << 20]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;

    let object = drb::Object::connect(&elsewhere(&server)).await.unwrap();
    let large = drb::Value::bytes(vec![0; 4 << 20]);
    let answer = object.call::<drb::Value>("echo", (&large,)).await.map(|_| "echoed");
    let (error, outcome) = outcome(answer);
    assert!(matches!(error, Error::Limit { limit: Limit::Buffered, .. }), "{error:?}");
    assert_eq!(outcome, Outcome::NotExecuted);
    // Small ones are served all the same, and large ones again when there is room.
    object.call::<drb::Value>("echo", (1,)).await.unwrap();
    drop(holder);
    tokio::time::sleep(Duration::from_millis(200)).await;
    object.call::<drb::Value>("echo", (&large,)).await.unwrap();
    object.call::<drb::Value>("echo", (&large,)).await.unwrap();
}

async fn a_result_that_is_too_large_has_been_made(wire: On) {
    let server = with_limits_at(wire.at(), Limits { depth: 2, ..Limits::default() }).await;
    let object = drb::Object::connect(&wire.elsewhere(&server)).await.unwrap();
    let deep = vec![vec![1]];
    object.call::<drb::Value>("echo", (&deep,)).await.unwrap();
    // It gives them within an array.
    let (error, outcome) = outcome(object.call::<drb::Value>("echo_many", (&deep,)).await);
    assert!(matches!(error, Error::Limit { limit: Limit::Depth, .. }), "{error:?}");
    assert_eq!(outcome, Outcome::Executed);
    // The same before it is sent: then nothing has run.
    let client =
        drb::Client::builder().limits(Limits { message: 500, ..Limits::default() }).build();
    let object: drb::Object = client.connect(&wire.elsewhere(&server)).await.unwrap();
    let long = "x".repeat(600);
    let (error, outcome) = self::outcome(object.call::<drb::Value>("echo", (&long,)).await);
    assert!(matches!(error, Error::Dump(_)), "{error:?}");
    assert_eq!(outcome, Outcome::NotExecuted);
}

async fn a_peer_is_given_no_more_objects_than_allowed(wire: On) {
    let server = with_limits_at(wire.at(), Limits { exports: 2, ..Limits::default() }).await;
    let store = StoreProxy::connect(&wire.elsewhere(&server)).await.unwrap();
    let (_one, _two) = (store.counter().await.unwrap(), store.counter().await.unwrap());
    let error = store.counter().await.unwrap_err();
    assert!(matches!(error, Error::Limit { limit: Limit::Exports, .. }), "{error:?}");
}

/// On the native wire it goes when nobody holds it.
#[tokio::test]
async fn an_object_goes_when_its_lease_is_over() {
    let lease = Duration::from_millis(200);
    let server = Server::builder().front(Store::default()).lease(lease);
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    let store = StoreProxy::connect(&elsewhere(&server)).await.unwrap();
    let counter = store.counter().await.unwrap();
    // Each use renews it.
    for count in 1..=4 {
        tokio::time::sleep(lease / 2).await;
        assert_eq!(counter.next().await.unwrap(), count);
    }
    tokio::time::sleep(lease * 2).await;
    assert!(matches!(counter.next().await, Err(Error::Gone(_))));
    tokio::time::sleep(lease * 2).await;
    assert_eq!(server.exported(), 0, "it is out of the table as well");
}

async fn unix_sockets_work_the_same(wire: On) {
    let server = drb::start_service("drbunix:", Store::default()).await.unwrap();
    let path = server.uri().strip_prefix("drbunix:").unwrap().to_owned();
    // Another name for the same file, so that it isn't found to be in this process.
    let link = format!("{path}.link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let linked = wire.uri(&server).replace(&path, &link);
    let store = StoreProxy::connect(&linked).await.unwrap();
    assert_eq!(store.inc("a", 1).await.unwrap(), 1);
    assert_eq!(store.peer().await.unwrap(), "a unix socket");
    assert!(server.drain(SOON).await);
    assert!(!std::path::Path::new(&path).exists(), "the socket's file is gone");
    std::fs::remove_file(link).unwrap();

    // One that a dead process has left behind is no obstacle; one that is in use is.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let uri = format!("drbunix:{path}");
    let server = drb::start_service(&uri, Store::default()).await.unwrap();
    let error = drb::start_service(&uri, Store::default()).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error:?}");
    assert!(server.drain(SOON).await);
}

#[test]
fn a_client_outlives_its_runtime() {
    for wire in [On::Ruby, On::Native] {
        outlives_its_runtime(wire);
    }
}

fn outlives_its_runtime(wire: On) {
    let run = || tokio::runtime::Runtime::new().unwrap();
    let servers = run();
    let server = servers.block_on(drb::start_service("druby://127.0.0.1:0", Store::default()));
    let uri = wire.elsewhere(&server.unwrap());
    let first = run();
    let store = first.block_on(StoreProxy::connect(&uri)).unwrap();
    assert_eq!(first.block_on(async { store.inc("a", 1).await }).unwrap(), 1);
    drop(first);
    assert_eq!(run().block_on(async { store.inc("a", 1).await }).unwrap(), 2);
    // Outside of any runtime it is an error, and no panic.
    let call = pin!(store.inc("a", 1));
    let Poll::Ready(result) = call.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for nobody")
    };
    assert!(matches!(result, Err(Error::Connect { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_lose_no_count() {
    for wire in [On::Ruby, On::Native] {
        count_with_many(wire).await;
    }
}

async fn count_with_many(wire: On) {
    let (_server, store) = start(wire).await;
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    store.inc("all", 1).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(store.get("all").await.unwrap(), 5000);
}
