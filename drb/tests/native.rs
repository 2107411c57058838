//! The native wire: the same services and proxies, with another word in front of `://`.

use drb::prelude::*;
use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Entry {
    key: String,
    hits: u64,
}

#[derive(Default, DrbUndumped)]
struct Counter(AtomicUsize);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[derive(Default)]
struct Store {
    counters: Mutex<Vec<CounterProxy>>,
    ended: Arc<AtomicUsize>,
}

struct Ended(Arc<AtomicUsize>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[drb::service]
impl Store {
    pub fn echo(&self, value: i64) -> i64 {
        value
    }

    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub fn any(&self, value: drb::Value) -> drb::Value {
        value
    }

    pub async fn entries(&self, entries: Vec<Entry>) -> Vec<Entry> {
        tokio::task::yield_now().await;
        entries
    }

    pub fn counter(&self) -> Counter {
        Counter::default()
    }

    pub fn fail(&self, text: String) -> Result<(), String> {
        Err(text)
    }

    pub fn panics(&self) {
        panic!("on purpose")
    }

    pub async fn slow(&self) {
        let _ended = Ended(Arc::clone(&self.ended));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }

    pub async fn call(&self, counter: CounterProxy) -> drb::Result<usize> {
        counter.inc().await
    }

    pub async fn keep(&self, counter: CounterProxy) -> drb::Result<usize> {
        let count = counter.inc().await?;
        self.counters.lock().unwrap().push(counter);
        Ok(count)
    }

    pub fn forget(&self) {
        self.counters.lock().unwrap().clear();
    }

    pub fn give(&self) -> Option<CounterProxy> {
        self.counters.lock().unwrap().first().cloned()
    }

    pub async fn each(&self, upto: u32, block: Block<(u32,), u32>) -> drb::Result<u32> {
        let mut sum = 0;
        for number in 0..upto {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }
}

async fn store() -> (drb::Server, StoreProxy) {
    let server = drb::start_service("druby://127.0.0.1:0", Store::default()).await.unwrap();
    let store = StoreProxy::connect(&native(&server)).await.unwrap();
    (server, store)
}

/// Over a connection, and within the process.
async fn both() -> [(drb::Server, StoreProxy); 2] {
    let server = drb::start_service("drb+local:", Store::default()).await.unwrap();
    let local = StoreProxy::connect(server.uri()).await.unwrap();
    [store().await, (server, local)]
}

fn native(server: &drb::Server) -> String {
    server.native_uri().to_owned()
}

#[tokio::test]
async fn values_cross() {
    for (_server, store) in both().await {
        assert_eq!(store.echo(-7).await.unwrap(), -7);
        let entries: Vec<_> =
            (0..100).map(|hits| Entry { key: format!("key {hits}"), hits }).collect();
        assert_eq!(store.entries(&entries).await.unwrap(), entries);
        let value = drb::Value::from_iter([(drb::Value::symbol("a"), vec![1, 2, 3])]);
        assert_eq!(store.any(&value).await.unwrap(), value);
        // In pieces, in both directions.
        let large: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
        assert_eq!(store.bytes(&large).await.unwrap(), large);
    }
}

#[tokio::test]
async fn errors_are_what_they_are() {
    for (_server, store) in both().await {
        assert_eq!(store.fail("no").await, Err(CallError::Method("no".to_owned())));
        assert!(matches!(store.panics().await, Err(drb::Error::Panicked { .. })));
        let object = drb::Object::connect(&native(&_server)).await.unwrap();
        let error = object.call::<()>("instance_eval", ("1",)).await.unwrap_err();
        assert!(matches!(error, drb::Error::NoMethod(_)), "{error:?}");
        assert_eq!(error.outcome(), drb::Outcome::NotExecuted);
        let error = object.call::<()>("echo", ("text",)).await.unwrap_err();
        assert!(error.to_string().contains("expected an integer, got a String"), "{error}");
        // None of it has harmed the connection.
        assert_eq!(store.echo(1).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn many_calls_share_one_connection() {
    for (_server, store) in both().await {
        let slow = tokio::spawn({
            let store = store.clone();
            async move { store.slow().await }
        });
        let calls = (0..200).map(|n| store.echo(n));
        let started = Instant::now();
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.await.unwrap(), n);
        }
        assert!(started.elapsed() < Duration::from_secs(20));
        slow.abort();
    }
}

#[tokio::test]
async fn an_object_is_held_as_long_as_somebody_holds_its_proxy() {
    for (_server, store) in both().await {
        let counter = store.counter().await.unwrap();
        assert_eq!(counter.inc().await.unwrap(), 1);
        let other = counter.clone();
        drop(counter);
        assert_eq!(other.inc().await.unwrap(), 2);
    }
}

/// No server runs in the client, and nothing is connected to it.
#[tokio::test]
async fn a_callback_comes_over_the_same_connection() {
    for (_server, store) in both().await {
        let counter = Arc::new(Counter::default());
        assert_eq!(store.call(&counter).await.unwrap(), 1);
        settled(|| Arc::strong_count(&counter) == 1).await;
        // It is held as long as the peer holds it.
        assert_eq!(store.keep(&counter).await.unwrap(), 2);
        assert!(Arc::strong_count(&counter) > 1);
        let home = store.give().await.unwrap().unwrap();
        assert_eq!(home.inc().await.unwrap(), 3);
        assert_eq!(counter.0.load(Ordering::SeqCst), 3, "it is the object itself");
        drop(home);
        store.forget().await.unwrap();
    }
}

/// Waits for what happens soon.
async fn settled(is: impl Fn() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < Duration::from_secs(10), "it never came to that");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn blocks_work_without_a_server() {
    for (_server, store) in both().await {
        let mut seen = Vec::new();
        let sum = store
            .each(5, |number| {
                seen.push(number);
                number * 2
            })
            .await
            .unwrap();
        assert_eq!((seen, sum), (vec![0, 1, 2, 3, 4], 20));
        let left = store.each(5, |number| match number {
            3 => ControlFlow::Break(99_u32),
            other => ControlFlow::Continue(other),
        });
        assert_eq!(left.await.unwrap(), 99);
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_method() {
    for at in ["drb://127.0.0.1:0", "drb+local:"] {
        let front = Arc::new(Store::default());
        let server = drb::start_service(at, Arc::clone(&front)).await.unwrap();
        let store = StoreProxy::connect(server.uri()).await.unwrap();
        let error = store.slow().deadline(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, drb::Error::DeadlineExceeded { .. }), "{error:?}");
        settled(|| front.ended.load(Ordering::SeqCst) == 1).await;
        let call = tokio::time::timeout(Duration::from_millis(50), store.slow().no_deadline());
        assert!(call.await.is_err());
        settled(|| front.ended.load(Ordering::SeqCst) == 2).await;
        assert_eq!(store.echo(5).await.unwrap(), 5);
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    for (server, store) in both().await {
        assert_eq!(store.echo(1).await.unwrap(), 1);
        let uri = server.uri().to_owned();
        server.drain(Duration::from_secs(5)).await;
        let error = store.echo(2).await.unwrap_err();
        assert_eq!(error.outcome(), drb::Outcome::NotExecuted, "{error}");
        let _server = drb::start_service(uri.as_str(), Store::default()).await.unwrap();
        assert_eq!(store.echo(3).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn one_port_serves_both_wires() {
    let server = drb::start_service("drb://127.0.0.1:0", Store::default()).await.unwrap();
    assert!(server.uri().starts_with("drb://127.0.0.1:"), "{}", server.uri());
    let store = StoreProxy::connect(server.uri()).await.unwrap();
    let ruby = server.uri().replace("drb://", "druby://");
    let ruby = StoreProxy::connect(&ruby).await.unwrap();
    assert_eq!(ruby.echo(1).await.unwrap(), 1);
    assert_eq!(store.echo(2).await.unwrap(), 2);
    let (server, store) = self::store().await;
    let ruby = StoreProxy::connect(server.uri()).await.unwrap();
    assert_eq!(ruby.echo(1).await.unwrap(), 1);
    assert_eq!(store.echo(2).await.unwrap(), 2);
}

/// What a peer defines is kept as long as the connection, so it is bounded.
#[tokio::test]
async fn names_without_end_end_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (server, store) = store().await;
    let address = server.uri().trim_start_matches("druby://").to_owned();
    let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
    peer.write_all(b"drb\n\0\0\0\x01").await.unwrap();
    let name = [&[2, 0, 0x10, 0][..], &[b'n'; 0x1000]].concat();
    let sent = async {
        for _ in 0..10_000 {
            if peer.write_all(&name).await.is_err() {
                return true;
            }
        }
        peer.read_to_end(&mut Vec::new()).await.is_ok()
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), sent).await.unwrap());
    assert_eq!(store.echo(1).await.unwrap(), 1, "others are not concerned");
}

/// Bytes that are no protocol, in all the ways of being cut.
#[tokio::test]
async fn garbage_ends_the_connection_and_nothing_else() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (server, store) = store().await;
    let address = server.uri().trim_start_matches("druby://").to_owned();
    let greeting = b"drb\n\0\0\0\x01";
    for garbage in [
        &b"drb\n\0\0\0\x02"[..],
        b"dr",
        &[&greeting[..], &[0xff; 9]].concat(),
        &[&greeting[..], &[0x10, 0, 0, 1, 0x80]].concat(),
        &[&greeting[..], &[0x10, 0, 0, 4, 0, 0, 9, 0]].concat(),
        &[&greeting[..], &[0x11, 0, 0, 2, 5, 0xc0]].concat(),
        &[&greeting[..], &[0x20, 0, 0, 1, 0x80]].concat(),
        &[&greeting[..], &[0x03, 0, 0, 2, 0, 0x7f]].concat(),
        &[&greeting[..], &[0x10, 0xff, 0xff, 0xff]].concat(),
    ] {
        let mut peer = tokio::net::TcpStream::connect(&address).await.unwrap();
        peer.write_all(garbage).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), peer.read_to_end(&mut rest));
        // A reset is an end, too.
        let _ = ended.await.unwrap_or_else(|_| panic!("{garbage:x?} was not the end"));
    }
    assert_eq!(store.echo(1).await.unwrap(), 1);
}

/// What one process has is passed by a second one to a third.
#[tokio::test]
async fn a_reference_is_passed_on() {
    for (_one, first) in both().await {
        let (two, second) = store().await;
        // The process in the middle serves nothing over this wire.
        let counter = first.counter().await.unwrap();
        assert_eq!(second.call(&counter).await.unwrap(), 1);
        assert_eq!(second.keep(&counter).await.unwrap(), 2);
        // It comes back as what it was, without the way through the third process.
        let back = second.give().await.unwrap().unwrap();
        if counter.local::<Counter>().is_none() {
            assert_eq!(back, counter);
        }
        assert_eq!(back.inc().await.unwrap(), 3);
        // And home.
        assert_eq!(first.call(&back).await.unwrap(), 4);
        // Over Ruby's wire it is called through this process's server.
        let ruby = StoreProxy::connect(two.uri()).await.unwrap();
        assert_eq!(ruby.call(&counter).await.unwrap(), 5);
        assert_eq!(ruby.keep(&counter).await.unwrap(), 6);
    }
}

/// A dynamic value holds what it refers to, and hands it on.
#[tokio::test]
async fn a_value_holds_and_hands_on_what_it_refers_to() {
    for (_one, first) in both().await {
        let (_two, second) = store().await;
        let first = drb::Object::from_remote(first.remote().clone());
        let counter: drb::Value = first.call("counter", ()).await.unwrap();
        let pair = drb::Value::from_iter([(drb::Value::symbol("it"), counter.clone())]);
        // Nothing but the value holds it; it goes to a third process and comes back.
        let back = second.any(pair).await.unwrap();
        let back = back.get("it").unwrap().clone();
        let count: i64 = first.call("call", (back,)).await.unwrap();
        assert_eq!(count, 1);
        let count: i64 = first.call("call", (counter,)).await.unwrap();
        assert_eq!(count, 2);
    }
}
