//! Two programs that were built apart: what fits goes on, what doesn't is refused, and both sides' words are in
//! the error.

mod frames;
mod wires;

use drb::{
    Apart, Client, DrbDumped, DrbUndumped, Error, Exception, Outcome, Peer, Proxy, Server, Value,
};
use frames::{frame, next_frame};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use wires::On;

/// What was there first.
mod old {
    use super::*;

    #[derive(DrbDumped, Debug, PartialEq)]
    pub(crate) struct Entry {
        pub(crate) key: String,
        pub(crate) hits: i64,
    }

    #[derive(DrbDumped, Debug)]
    pub(crate) struct Named {
        pub(crate) name: String,
    }

    #[derive(DrbUndumped)]
    pub(crate) struct Observer;

    #[drb::service]
    impl Observer {
        pub fn seen(&self, from: i64, to: i64) -> i64 {
            to - from
        }
    }

    #[drb::service]
    pub(crate) trait Store {
        async fn inc(&self, key: String, by: i64) -> String;
        async fn moved(&self, x: i64, y: i64) -> i64;
        async fn later(&self, a: i64) -> i64;
        async fn renamed(&self, a: i64) -> i64;
        async fn entry(&self, entry: Entry) -> Entry;
        async fn name(&self, named: Named) -> String;
        async fn count(&self) -> i64;
        async fn title(&self) -> Named;
        async fn sized(&self, #[drb(keyword)] size: i64) -> i64;
        async fn watch(&self, observer: ObserverProxy) -> drb::Result<i64>;
    }
}

/// What it has become.
mod new {
    use super::*;

    #[derive(DrbDumped, Debug, PartialEq)]
    pub(crate) struct Entry {
        pub(crate) hits: i64,
        pub(crate) key: String,
    }

    #[derive(DrbDumped)]
    pub(crate) struct Named {
        pub(crate) title: String,
    }

    #[derive(DrbUndumped)]
    pub(crate) struct Observer;

    #[drb::service]
    impl Observer {
        pub fn seen(&self, to: i64, from: i64) -> i64 {
            to - from
        }
    }

    #[derive(Default)]
    pub(crate) struct Store {
        pub(crate) runs: Arc<AtomicUsize>,
    }

    #[drb::service]
    impl Store {
        pub fn inc(&self, by: i64) -> String {
            self.runs.fetch_add(1, Ordering::Relaxed);
            by.to_string()
        }

        pub fn moved(&self, y: i64, x: i64) -> i64 {
            self.runs.fetch_add(1, Ordering::Relaxed);
            y - x
        }

        pub fn later(&self, a: i64, #[drb(default = 7)] b: i64) -> i64 {
            a + b
        }

        pub fn renamed(&self, b: i64) -> i64 {
            b
        }

        pub fn entry(&self, entry: Entry) -> Entry {
            entry
        }

        pub fn name(&self, named: Named) -> String {
            self.runs.fetch_add(1, Ordering::Relaxed);
            named.title
        }

        pub fn sized(&self, #[drb(keyword)] length: i64) -> i64 {
            self.runs.fetch_add(1, Ordering::Relaxed);
            length
        }

        pub async fn watch(&self, observer: ObserverProxy) -> drb::Result<i64> {
            observer.seen(3, 5).await
        }

        pub fn count(&self) -> String {
            self.runs.fetch_add(1, Ordering::Relaxed);
            "three".into()
        }

        pub fn title(&self) -> Named {
            Named { title: "t".into() }
        }

        pub fn added(&self) {}
    }
}

const WITH_SIGNATURES: [On; 2] = [On::Native, On::Local];

async fn started(on: On) -> (Server, Arc<AtomicUsize>, old::StoreProxy) {
    let store = new::Store::default();
    let runs = Arc::clone(&store.runs);
    let server = drb::start_service(on.at(), store).await.unwrap();
    let client = Client::new();
    let store = client.connect(&on.uri(&server)).await.unwrap();
    (server, runs, store)
}

/// A refusal before the method ran, and what it says of the two sides.
fn refused(error: &Error) -> (&Exception, Apart) {
    let Error::Refused(exception) = error else { panic!("{error:?}") };
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    (exception, error.apart().unwrap())
}

fn apart(expected: &str, found: &str) -> Apart {
    Apart { expected: expected.into(), found: found.into() }
}

#[tokio::test]
async fn what_fits_goes_on() {
    for on in [On::Ruby, On::Native, On::Local] {
        let (_server, _, store) = started(on).await;
        for _ in 0..3 {
            // An argument more that may be left out, and one under another name.
            assert_eq!(store.later(1).await.unwrap(), 8);
            assert_eq!(store.renamed(1).await.unwrap(), 1);
            // Fields go by their names, in whatever order either side has them.
            let entry = || old::Entry { key: "k".into(), hits: 3 };
            assert_eq!(store.entry(entry()).await.unwrap(), entry());
        }
    }
}

#[tokio::test]
async fn arguments_that_cannot_be_loaded_say_both_signatures() {
    for on in WITH_SIGNATURES {
        let (_server, runs, store) = started(on).await;
        for _ in 0..2 {
            let error = store.inc("k", 3).await.unwrap_err();
            let (exception, found) = refused(&error);
            let expected = apart("inc(by: i64) -> String", "inc(key: String, by: i64) -> String");
            assert_eq!(found, expected);
            assert_eq!(exception.class, "ArgumentError");
            assert_eq!(
                exception.message,
                "wrong number of arguments (given 2, expected 1): expected `inc(by: i64) -> String`, \
                 got `inc(key: String, by: i64) -> String`; the two sides were built apart"
            );
        }
        let error = store.sized(3).await.unwrap_err();
        let (exception, found) = refused(&error);
        assert_eq!(found, apart("sized(:length: i64) -> i64", "sized(:size: i64) -> i64"));
        assert!(exception.message.starts_with("unknown keyword: :size: "), "{exception}");
        assert_eq!(runs.load(Ordering::Relaxed), 0);
    }
}

/// They would be taken for each other without a word.
#[tokio::test]
async fn arguments_in_another_order_are_refused() {
    for on in WITH_SIGNATURES {
        let (_server, runs, store) = started(on).await;
        for _ in 0..3 {
            let error = store.moved(1, 2).await.unwrap_err();
            let (exception, found) = refused(&error);
            assert_eq!(
                found,
                apart("moved(y: i64, x: i64) -> i64", "moved(x: i64, y: i64) -> i64")
            );
            assert_eq!(exception.class, "ArgumentError");
            assert!(exception.message.starts_with("the arguments would be taken for others: "));
            // Others aren't harmed.
            assert_eq!(store.later(1).await.unwrap(), 8);
        }
        assert_eq!(runs.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn fields_under_other_names_say_both_structs() {
    for on in WITH_SIGNATURES {
        let (_server, runs, store) = started(on).await;
        for _ in 0..2 {
            let error = store.name(old::Named { name: "n".into() }).await.unwrap_err();
            let (exception, found) = refused(&error);
            assert_eq!(found, apart("Named { title }", "Named { name }"));
            let message = "named: missing field `title` of Named: expected `Named { title }`, got \
                           `Named { name }`; the two sides were built apart";
            assert_eq!(exception.message, format!("call of `name`: {message}"));
        }
        assert_eq!(runs.load(Ordering::Relaxed), 0);
    }
}

/// The method has run: whoever called it finds that it cannot read what has come.
#[tokio::test]
async fn results_that_cannot_be_loaded_say_both() {
    for on in WITH_SIGNATURES {
        let (_server, runs, store) = started(on).await;
        for run in 1..3 {
            let error = store.count().await.unwrap_err();
            assert!(matches!(error, Error::Load(_)), "{error:?}");
            assert_eq!(error.apart(), Some(apart("count() -> i64", "count() -> String")));
            assert_eq!(
                error.to_string(),
                "result: expected an integer, got a String: expected `count() -> i64`, got \
                 `count() -> String`; the two sides were built apart"
            );
            assert_eq!((error.outcome(), runs.load(Ordering::Relaxed)), (Outcome::Executed, run));
            let error = store.title().await.unwrap_err();
            assert_eq!(error.apart(), Some(apart("Named { name }", "Named { title }")));
        }
    }
}

/// The server is the one that calls.
#[tokio::test]
async fn callbacks_are_looked_at_as_well() {
    for on in WITH_SIGNATURES {
        let (_server, _, store) = started(on).await;
        let own = drb::local(old::Observer);
        assert_eq!(own.seen(3, 5).await.unwrap(), 2);
        let error = store.watch(old::Observer).await.unwrap_err();
        let exception = error.exception().unwrap();
        assert!(exception.message.contains("expected `seen(from: i64, to: i64) -> i64`"));
        assert!(exception.message.contains("got `seen(to: i64, from: i64) -> i64`"));
    }
}

/// Whoever calls without a proxy tells nothing, and is told what Ruby says.
#[tokio::test]
async fn calls_without_a_proxy_are_made_as_they_are() {
    for on in [On::Ruby, On::Native, On::Local] {
        let (_server, runs, store) = started(on).await;
        let object = drb::Object::from_remote(store.remote().clone());
        assert_eq!(object.call::<i64>("moved", (1, 2)).await.unwrap(), -1);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        let error = object.call::<Value>("inc", (1, 2)).await.unwrap_err();
        assert_eq!(error.apart(), None);
        let message = "wrong number of arguments (given 2, expected 1)";
        assert_eq!(error.exception().unwrap().message, message);
    }
}

const METHOD: u8 = 0x04;
const APART: u8 = 0x05;
const CALL: u8 = 0x10;
const RESULT: u8 = 0x11;
const FAILURE: u8 = 0x12;

/// What a side tells of `moved`, with its two parameters.
fn moved(parameters: [&[u8]; 2]) -> Vec<u8> {
    let [first, second] = parameters;
    [b"\x05moved\x03i64\0\x01", first, b"\x03i64\0\x01", second, b"\x03i64"].concat()
}

/// The server's side, frame by frame.
#[tokio::test]
async fn what_a_caller_tells_and_is_told() {
    let store = new::Store::default();
    let runs = Arc::clone(&store.runs);
    let server = Server::builder().front(store).start_without_listener("drb://store:1").unwrap();
    let (mut raw, far) = duplex(64 << 10);
    server.serve_stream(far, Peer::Named("raw".into())).await.unwrap();
    raw.write_all(b"drb\n\0\0\0\x01").await.unwrap();
    raw.read_exact(&mut [0; 8]).await.unwrap();
    // It is numbered as names are: the first is 0. The last is the same without a word on parameters.
    raw.write_all(&frame(METHOD, &moved([b"x", b"y"]))).await.unwrap();
    raw.write_all(&frame(METHOD, &moved([b"y", b"x"]))).await.unwrap();
    raw.write_all(&frame(0x02, b"moved")).await.unwrap();
    for id in 0..2 {
        raw.write_all(&frame(CALL, &[id, 0, 0, 0, 2, 1, 2])).await.unwrap();
        if id == 0 {
            // Once.
            let told = [&[0][..], &moved([b"y", b"x"])].concat();
            assert_eq!(next_frame(&mut raw).await, (APART, told));
        }
        let (byte, body) = next_frame(&mut raw).await;
        assert_eq!((byte, body[0]), (FAILURE, id));
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("expected `moved(y: i64, x: i64) -> i64`"), "{body}");
    }
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    for method in 1..3 {
        raw.write_all(&frame(CALL, &[0, 0, method, 0, 2, 2, 1])).await.unwrap();
        assert_eq!(next_frame(&mut raw).await, (RESULT, vec![0, 1]));
    }
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

/// The client's side, frame by frame.
#[tokio::test]
async fn what_a_proxy_tells_and_is_told() {
    let (mut raw, far) = duplex(64 << 10);
    let far = std::sync::Mutex::new(Some(far));
    let connect = move |_| {
        let far = far.lock().unwrap().take();
        async move { Ok(far.unwrap()) }
    };
    let client = Client::builder().connector(connect).build();
    let store: old::StoreProxy = client.connect("drb://store:1").await.unwrap();
    let calls = tokio::spawn(async move {
        let first = store.moved(1, 2).await;
        (first, store.moved(3, 4).await)
    });
    raw.write_all(b"drb\n\0\0\0\x01").await.unwrap();
    raw.read_exact(&mut [0; 8]).await.unwrap();
    assert_eq!(next_frame(&mut raw).await, (METHOD, moved([b"x", b"y"])));
    let (byte, call) = next_frame(&mut raw).await;
    assert_eq!((byte, &call[..4]), (CALL, &[0, 0, 0, 1][..]));
    assert_eq!(call[call.len() - 3..], [2, 1, 2]);
    // It gives a text.
    raw.write_all(&frame(APART, b"\0\x05moved\x06String\x02\x03all\x05Value")).await.unwrap();
    raw.write_all(&frame(RESULT, b"\0\xa1a")).await.unwrap();
    // It is told once.
    assert_eq!(next_frame(&mut raw).await.0, CALL);
    raw.write_all(&frame(RESULT, b"\0\x05")).await.unwrap();
    let (first, second) = calls.await.unwrap();
    let told = apart("moved(x: i64, y: i64) -> i64", "moved(*all: Value) -> String");
    assert_eq!(first.unwrap_err().apart(), Some(told));
    assert_eq!(second.unwrap(), 5);
}
