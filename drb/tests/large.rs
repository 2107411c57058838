//! Large strings, which travel beside their messages on the native wire.

use bytes::{Bytes, BytesMut};
use drb::{Limit, Limits, Server, Value, prelude::*};
use futures_util::StreamExt;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Of so many bytes on, a string travels beside its message.
const LARGE: usize = 16 << 10;

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct File {
    name: String,
    contents: Vec<u8>,
}

#[derive(DrbUndumped)]
struct Sink(Mutex<Vec<u8>>);

#[drb::service]
impl Sink {
    pub fn put(&self, bytes: Vec<u8>) -> usize {
        let mut kept = self.0.lock().unwrap();
        *kept = bytes;
        kept.len()
    }
}

#[derive(Default)]
struct Store {
    /// Whether a call waits.
    waits: Arc<AtomicBool>,
}

#[drb::service]
impl Store {
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub fn shared(&self, number: i64, bytes: Bytes) -> (i64, Bytes) {
        (number, bytes)
    }

    pub fn mutable(&self, mut bytes: BytesMut) -> BytesMut {
        bytes.extend_from_slice(b"more");
        bytes
    }

    pub fn text(&self, text: String) -> String {
        text
    }

    pub fn any(&self, value: Value) -> Value {
        value
    }

    pub fn file(&self, file: File) -> File {
        file
    }

    /// The large one is not the last one.
    pub fn first(&self, bytes: Vec<u8>, number: i64) -> (Vec<u8>, i64) {
        (bytes, number)
    }

    pub fn both(&self, one: Vec<u8>, other: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        (one, other)
    }

    pub fn named(&self, number: i64, #[drb(keyword)] bytes: Vec<u8>) -> (i64, Vec<u8>) {
        (number, bytes)
    }

    pub fn maybe(&self, bytes: Option<Vec<u8>>) -> Option<Vec<u8>> {
        bytes
    }

    pub fn borrowed(&self, text: &str) -> usize {
        text.len()
    }

    /// The arguments outlive their message.
    pub async fn later(&self, name: String, bytes: Vec<u8>) -> (String, Vec<u8>) {
        tokio::task::yield_now().await;
        (name, bytes)
    }

    #[drb(blocking)]
    pub fn on_a_thread(&self, name: String, bytes: Vec<u8>) -> (String, Vec<u8>) {
        (name, bytes)
    }

    pub fn number(&self, number: i64) -> i64 {
        number
    }

    pub fn files(
        &self,
        count: usize,
        size: usize,
    ) -> impl futures_util::Stream<Item = File> + use<> {
        futures_util::stream::iter((0..count).map(move |index| file(index, size)))
    }

    pub async fn each(&self, size: usize, block: Block<(Vec<u8>,), Vec<u8>>) -> drb::Result<bool> {
        let sent = bytes(size);
        Ok(block.call((sent.clone(),)).await? == sent)
    }

    pub async fn pass(&self, sink: SinkProxy, bytes: Vec<u8>) -> drb::Result<usize> {
        sink.put(bytes).await
    }

    pub fn fail(&self, text: String) -> Result<(), drb::Exception> {
        Err(drb::Exception::new("RuntimeError", text))
    }

    pub async fn wait(&self, bytes: Vec<u8>) -> usize {
        self.waits.store(true, Ordering::SeqCst);
        std::future::pending::<()>().await;
        bytes.len()
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 7 % 251) as u8).collect()
}

fn text(len: usize) -> String {
    "grüße ".chars().cycle().take(len).collect()
}

fn file(index: usize, size: usize) -> File {
    File { name: format!("{index}"), contents: bytes(size + index) }
}

async fn connect(limits: Limits) -> (Server, StoreProxy) {
    let server = Server::builder().front(Store::default()).limits(limits);
    let server = server.start("drb://127.0.0.1:0").await.unwrap();
    let store = StoreProxy::connect(server.uri()).await.unwrap();
    (server, store)
}

#[tokio::test]
async fn strings_of_all_sizes_come_back() {
    let (_server, store) = connect(Limits::default()).await;
    for size in [0, 1, LARGE - 1, LARGE, LARGE + 1, 100_000, 256 << 10, 1 << 20, 5_000_000] {
        let sent = bytes(size);
        assert!(store.bytes(sent.clone()).await.unwrap() == sent, "{size}");
        assert!(store.bytes(&sent[..]).await.unwrap() == sent, "{size}, borrowed");
        let shared = Bytes::from(sent.clone());
        for (number, shared) in [shared.clone(), shared.slice(size / 3..)].into_iter().enumerate() {
            let number = number as i64;
            assert!(store.shared(number, &shared).await.unwrap() == (number, shared), "{size}");
        }
        // Whoever has the one may pass it as the other, and as any value.
        assert!(store.shared(0, sent.clone()).await.unwrap().1 == sent, "{size}, not shared");
        assert!(store.shared(0, &sent[..]).await.unwrap().1 == sent, "{size}, borrowed");
        assert!(store.bytes(&shared).await.unwrap() == sent, "{size}, shared");
        assert!(store.any(shared).await.unwrap().to::<Vec<u8>>().unwrap() == sent, "{size}, any");
        let mutable = store.mutable(BytesMut::from(&sent[..])).await.unwrap();
        assert!(mutable == [&sent[..], b"more"].concat(), "{size}, mutable");
        assert!(store.maybe(Some(sent.clone())).await.unwrap() == Some(sent), "{size}, optional");
    }
    for size in [LARGE / 2, LARGE, 100_000] {
        let sent = text(size);
        assert_eq!(store.borrowed(&sent).await.unwrap(), sent.len());
        assert!(store.text(sent.clone()).await.unwrap() == sent, "{size}");
    }
}

#[tokio::test]
async fn a_large_string_may_stand_anywhere() {
    let (_server, store) = connect(Limits::default()).await;
    let (one, other) = (bytes(LARGE), bytes(3 * LARGE));
    assert!(store.first(one.clone(), 7).await.unwrap() == (one.clone(), 7));
    let both = (one.clone(), other.clone());
    assert!(store.both(one.clone(), other.clone()).await.unwrap() == both);
    assert!(store.named(7, other.clone()).await.unwrap() == (7, other.clone()));
    assert!(store.later("x", other.clone()).await.unwrap() == ("x".into(), other.clone()));
    let moved = store.on_a_thread("x", other.clone()).await.unwrap();
    assert!(moved == ("x".into(), other.clone()));
    let sent = file(1, LARGE);
    assert!(store.file(&sent).await.unwrap() == sent);
    let mut values = vec![
        Value::bytes(other.clone()),
        Value::from(text(LARGE)),
        Value::from(vec![Value::bytes(one.clone()), Value::Nil]),
        Value::from(vec![Value::Nil, Value::bytes(one.clone())]),
        Value::from(vec![Value::bytes(one.clone()), Value::bytes(other)]),
    ];
    values.push(Value::from(values.clone()));
    for value in values {
        assert!(store.any(value.clone()).await.unwrap() == value);
    }
}

#[tokio::test]
async fn streams_blocks_objects_and_exceptions_have_large_strings() {
    let (_server, store) = connect(Limits::default()).await;
    let mut files = store.files(5, 40_000).await.unwrap();
    for index in 0..5 {
        assert!(files.next().await.unwrap().unwrap() == file(index, 40_000));
    }
    assert!(files.next().await.is_none());
    assert!(store.each(100_000, |bytes: Vec<u8>| bytes).await.unwrap());
    let sink = Arc::new(Sink(Mutex::default()));
    assert_eq!(store.pass(&sink, bytes(70_000)).await.unwrap(), 70_000);
    assert!(*sink.0.lock().unwrap() == bytes(70_000));
    // What an exception says is cut.
    let limit = Limits::default().error_text;
    let error = store.fail(text(LARGE)).await.unwrap_err().to_string();
    assert!(error.len() <= limit + 200, "{}", error.len());
}

#[tokio::test]
async fn what_is_too_long_is_one_call_s_error() {
    let limits = Limits { message: 100_000, ..Limits::default() };
    let (server, store) = connect(limits).await;
    // What stands before the arguments counts as well.
    let fits = limits.message - 64;
    assert!(store.bytes(bytes(fits)).await.unwrap() == bytes(fits));
    // This client may send more than the server takes.
    let error = store.bytes(bytes(limits.message)).await.unwrap_err();
    assert!(error.to_string().contains("message"), "{error}");
    let error = store.bytes(bytes(400_000)).await.unwrap_err();
    assert!(error.to_string().contains("message"), "{error}");
    assert_eq!(store.number(7).await.unwrap(), 7, "the connection goes on");
    // One that may send no more says so itself.
    let client = drb::Client::builder().limits(limits).build();
    let store: StoreProxy = client.connect(server.uri()).await.unwrap();
    match store.bytes(bytes(limits.message)).await.unwrap_err() {
        drb::Error::Dump(drb::DumpError::Limit { limit: Limit::Message, .. }) => {}
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn small_calls_go_between_the_pieces_and_a_cancelled_one_is_forgotten() {
    let (_server, store) = connect(Limits::default()).await;
    let large = bytes(8 << 20);
    let calls = (0..3).map(|_| store.bytes(large.clone()));
    let calls = futures_util::future::join_all(calls.map(IntoFuture::into_future));
    let small = async {
        for number in 0..50 {
            assert_eq!(store.number(number).await.unwrap(), number);
        }
    };
    let (results, ()) = tokio::join!(calls, small);
    assert!(results.into_iter().all(|result| result.unwrap() == large));
    // One that is dropped while it is being sent, and one that has arrived.
    for _ in 0..20 {
        let call = store.bytes(large.clone());
        let _ = tokio::time::timeout(Duration::from_micros(300), call).await;
    }
    let waiting = tokio::time::timeout(Duration::from_millis(50), store.wait(large.clone())).await;
    assert!(waiting.is_err());
    assert!(store.bytes(large.clone()).await.unwrap() == large);
}
