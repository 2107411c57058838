//! Beginnings and ends, and servers that don't keep to the protocol.

use crate::*;
use drb::{Error, fire};
use std::time::Instant;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn who_is_behind_a_server_ends_with_it() {
    let (server, _) = start().await;
    let back = behind(&server).await;
    let kept: CounterProxy = back.keep(Arc::new(Counter::default())).unwrap();
    server.stop();
    soon(back.wait()).await;
    assert_eq!(kept.closed().await, drb::Closed::Stopped);
    soon(server.wait()).await;
}

#[tokio::test]
async fn who_has_stopped_is_gone_for_the_server() {
    let server = Elsewhere::start();
    let back = server.behind().await;
    let desk = server.desk().await;
    desk.keep(Arc::new(Counter::default())).await.unwrap();
    assert_eq!(desk.call_kept().await.unwrap(), 1);
    assert!(back.drain(Duration::from_secs(5)).await);
    // The server may not have noticed yet.
    let mut error = String::new();
    for _ in 0..100 {
        error = soon(desk.call_kept()).await.unwrap_err().to_string();
        if error.contains("no client of drbfire with the number") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(error.contains("no client of drbfire with the number"), "{error}");
    // A new one is another one, and is called.
    let again = server.behind().await;
    assert_ne!(again.uri(), back.uri());
    desk.keep(Arc::new(Counter::default())).await.unwrap();
    assert_eq!(desk.call_kept().await.unwrap(), 1);
}

/// Calls that still run when a server stops call back over what is there, and learn at once that nothing else comes.
#[tokio::test]
async fn a_server_that_stops_brings_its_calls_to_their_end() {
    let server = Elsewhere::start();
    let back = server.behind().await;
    let desk = server.desk().await;
    let (one, other) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
    let going_on = tokio::spawn(desk.sooner_and_later(Arc::clone(&one)).into_future());
    until(|| one.0.load(Ordering::SeqCst) == 1).await;
    let second = server.behind().await;
    let too_late = tokio::spawn(second.as_current(|| desk.later(other)).into_future());
    while desk.connections().await.unwrap() < 6 {}
    desk.stop().await.unwrap();
    assert_eq!(soon(going_on).await.unwrap().unwrap(), 2);
    let error = soon(too_late).await.unwrap().unwrap_err().to_string();
    assert!(error.contains("the control connection of the client has been closed"), "{error}");
    soon(back.wait()).await;
    soon(second.wait()).await;
}

/// A listener in place of a server.
async fn false_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("drbfire://{}", listener.local_addr().unwrap());
    (listener, uri)
}

async fn begin(listener: &TcpListener, purpose: &[u8]) -> TcpStream {
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let mut heard = vec![0; purpose.len()];
    soon(stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(heard, purpose);
    stream
}

#[tokio::test]
async fn a_server_that_gives_no_number() {
    let (listener, uri) = false_server().await;
    let limits = drb::Limits { connect: Duration::from_millis(300), ..drb::Limits::default() };
    let client = Client::builder().limits(limits).build();
    let start = || Server::builder().client(client.clone()).start_behind(&uri);
    // It closes at once, after half of a number, or is silent.
    for half in [&b""[..], b"\0\0"] {
        let (started, ()) = tokio::join!(start(), async {
            begin(&listener, b"3").await.write_all(half).await.unwrap();
        });
        let error = started.unwrap_err();
        assert_eq!(fire::Error::of(&error), Some(&fire::Error::NoNumber), "{error}");
    }
    let began = Instant::now();
    let (started, _stream) = tokio::join!(start(), begin(&listener, b"3"));
    let error = started.unwrap_err();
    assert!(matches!(&error, Error::Connect { .. }), "{error}");
    assert!((300..2000).contains(&began.elapsed().as_millis()));
}

#[tokio::test]
async fn a_server_that_says_what_nobody_understands() {
    for said in [&b"1"[..], b"\0", b"00\xff"] {
        let (listener, uri) = false_server().await;
        let (started, mut control) = tokio::join!(Server::builder().start_behind(&uri), async {
            let mut control = begin(&listener, b"3").await;
            control.write_all(&7u32.to_be_bytes()).await.unwrap();
            control
        });
        let back = started.unwrap();
        assert_eq!(back.uri(), format!("{uri}?7"));
        control.write_all(said).await.unwrap();
        soon(back.wait()).await;
        let mut rest = Vec::new();
        let _ = soon(control.read_to_end(&mut rest)).await;
        assert_eq!(rest, [0; 0]);
    }
}

/// However many connections a server wants, so many are made at once and no more.
#[tokio::test]
async fn a_server_that_wants_too_much() {
    let (listener, uri) = false_server().await;
    let limits = drb::Limits { greeting: Duration::from_millis(300), ..drb::Limits::default() };
    let limits = drb::Limits { connections: 100, ..limits };
    let start = Server::builder().limits(limits).start_behind(&uri);
    let (started, mut control) = tokio::join!(start, async {
        let mut control = begin(&listener, b"3").await;
        control.write_all(&7u32.to_be_bytes()).await.unwrap();
        control
    });
    let back = started.unwrap();
    control.write_all(&[b'0'; 1000]).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..1000 {
        held.push(begin(&listener, b"2\0\0\0\x07").await);
    }
    // Those that the server says nothing on are closed, as they would be by any other one.
    until(|| back.counters().connections == 1000).await;
    let counters = back.counters();
    let refused = counters.exceeded(drb::Limit::Connections)
        + counters.exceeded(drb::Limit::Newcomers)
        + counters.exceeded(drb::Limit::Greeting);
    assert!(refused >= 900, "{counters:?}");
    for mut one in held {
        let mut rest = Vec::new();
        let _ = soon(one.read_to_end(&mut rest)).await;
        assert_eq!(rest, [0; 0]);
    }
}
