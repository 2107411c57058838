//! Rust with Rust, over real sockets.

use crate::desk::{Desk, DeskError, DeskProxy, Note, Stamp};
use drb::{Client, Error, Limit, Limits, Object, Outcome, Server, Value, prelude::*};
use drb_tests::{SOON, socket_path};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A server, and a proxy that calls it through a socket. (By the name that the server knows itself
/// by, the calls wouldn't leave the process.)
async fn start() -> (Server, DeskProxy) {
    let server = drb::start_service("druby://127.0.0.1:0", Desk::default()).await.unwrap();
    let desk = DeskProxy::connect(&elsewhere(&server)).await.unwrap();
    (server, desk)
}

fn elsewhere(server: &Server) -> String {
    server.uri().replace("127.0.0.1", "localhost")
}

#[tokio::test]
async fn what_is_written_is_what_arrives() {
    let (_server, desk) = start().await;
    assert_eq!(desk.add(1, -2).await, Ok(-1));
    let optional = desk.optional(1, 3, [Value::from("a"), Value::Nil]).await;
    assert_eq!(optional, Ok((1, 3, vec![Value::from("a"), Value::Nil])));
    assert_eq!(desk.greet("Ada", "Good day", "!").await.unwrap(), "Good day, Ada!");
    let options = BTreeMap::from([("a".to_owned(), Value::from(1))]);
    assert_eq!(desk.options(options).await.unwrap(), "a=1");
    let note = Note { text: "tea".into(), stars: 254 };
    assert_eq!(desk.swap(&note).await, Ok(Note { text: "TEA".into(), stars: 255 }));
    assert_eq!((desk.is_ready().await, desk.push("a").await), (Ok(true), Ok(1)));
    assert_eq!(desk.slow(1).await.unwrap(), "slept");
    assert_eq!(desk.blocking(1).await.unwrap(), "blocked");
}

#[tokio::test]
async fn errors_come_back_as_themselves() {
    let (_server, desk) = start().await;
    assert_eq!(desk.open("top").await.unwrap(), "pens");
    let locked = DeskError::Locked { drawer: "left".into(), tries: 3 };
    for (drawer, own) in
        [("left", locked), ("", DeskError::Argument(0)), ("ink", DeskError::OutOfInk)]
    {
        let error = desk.open(drawer).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Executed);
        assert_eq!(error, CallError::Method(own));
    }
}

#[tokio::test]
async fn everything_else_says_whether_the_method_has_run() {
    let (server, desk) = start().await;
    let object = Object::connect(&elsewhere(&server)).await.unwrap();
    let call =
        |method: &'static str, arguments: Vec<Value>| object.call::<Value>(method, arguments);

    let panicked = desk.panic("ouch").await.unwrap_err();
    assert_eq!(panicked, Error::Panicked { message: "ouch".into() });
    assert_eq!(panicked.outcome(), Outcome::Executed);
    let later = desk.panic_later("ouch").await;
    assert_eq!(later, Err(Error::Panicked { message: "ouch".into() }));

    for name in ["within", "calls", "absent", "instance_eval", "send", ""] {
        let error = call(name, vec![]).await.unwrap_err();
        assert!(matches!(error, Error::NoMethod(_)), "{name}: {error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{name}");
    }
    for arguments in [vec![], vec![1.into()], vec![1.into(), "a".into()], vec![Value::Nil; 3]] {
        let error = call("add", arguments).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }
    let late = desk.slow(60_000).deadline(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(late, Error::DeadlineExceeded { .. }), "{late:?}");
    assert_eq!(late.outcome(), Outcome::Unknown);

    server.drain(Duration::from_millis(10)).await;
    let stopped = desk.add(1, 1).await.unwrap_err();
    assert_eq!(stopped.outcome(), Outcome::NotExecuted, "{stopped:?}");
}

#[tokio::test]
async fn references() {
    let (server, desk) = start().await;
    let stamp = desk.stamp().await.unwrap();
    assert_eq!((stamp.print().await, stamp.print().await), (Ok(1), Ok(2)));
    assert_eq!(desk.print_with(&stamp).await, Ok(3));
    assert_eq!(server.exported(), 1);
    assert_ne!(desk.stamp().await.unwrap(), stamp);

    // An object of ours, which the other side calls.
    let own = Arc::new(Stamp::default());
    assert_eq!(desk.print_with(&own).await, Ok(1));
    assert_eq!(own.print(), 2);
    assert_eq!(desk.print_with(Stamp::default()).await, Ok(1));
}

#[tokio::test]
async fn limits_are_named_at_both_ends() {
    let limits = Limits { frame: 1000, arguments: 3, ..Limits::default() };
    let server = Server::builder().front(Desk::default()).limits(limits);
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    let object = Object::connect(&elsewhere(&server)).await.unwrap();
    let large = "x".repeat(1000);
    for (call, expected) in [
        (object.call::<Value>("<<", (&large,)), Limit::Frame),
        (object.call("optional", vec![1; 4]), Limit::Arguments),
    ] {
        match call.await {
            Err(error @ Error::Limit { limit, .. }) => {
                assert_eq!((limit, error.outcome()), (expected, Outcome::NotExecuted));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(object.call("<<", ("x",)).await, Ok(1));

    // One's own limits are kept before a byte is sent.
    let client = Client::builder().limits(Limits { message: 1000, ..limits }).build();
    let desk: DeskProxy = client.connect(&elsewhere(&server)).await.unwrap();
    let error = desk.push(&large).await.unwrap_err();
    assert!(matches!(error, Error::Dump(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_side_by_side() {
    let (_server, desk) = start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..64 {
        let desk = desk.clone();
        tasks.spawn(async move {
            for j in 0..20 {
                assert_eq!(desk.add(i, j).await, Ok(i + j));
            }
            assert_eq!(desk.slow(300).await.unwrap(), "slept");
        });
    }
    tokio::time::timeout(SOON, tasks.join_all()).await.unwrap();
}

#[tokio::test]
async fn over_a_unix_socket() {
    let path = socket_path("rust-client");
    let uri = format!("drbunix:{}", path.display());
    let server = drb::start_service(&uri, Desk::default()).await.unwrap();
    // Another name for the same file, so that the calls leave the process.
    let other = path.with_extension("link");
    std::os::unix::fs::symlink(&path, &other).unwrap();
    let desk = DeskProxy::connect(&format!("drbunix:{}", other.display())).await.unwrap();
    assert_eq!(desk.add(1, 2).await, Ok(3));
    assert_eq!(desk.stamp().await.unwrap().print().await, Ok(1));
    std::fs::remove_file(&other).unwrap();
    server.drain(SOON).await;
}

/// A reference that comes home doesn't touch the network, and means the same.
#[tokio::test]
async fn calls_within_the_process() {
    let server = drb::start_service("druby://127.0.0.1:0", Desk::default()).await.unwrap();
    let desk = DeskProxy::connect(server.uri()).await.unwrap();
    assert_eq!(desk.add(1, 2).await, Ok(3));
    let peer = desk.who().await.unwrap().0;
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    let panicked = desk.panic("ouch").await;
    assert_eq!(panicked, Err(Error::Panicked { message: "ouch".into() }));
    assert_eq!(desk.open("ink").await, Err(CallError::Method(DeskError::OutOfInk)));
    let hidden = Object::connect(server.uri()).await.unwrap().call::<()>("calls", ()).await;
    assert!(matches!(hidden, Err(Error::NoMethod(_))), "{hidden:?}");
}
