//! Whoever calls now and then is served after a few calls of a peer that calls as often as it can, however many
//! connections that one has: counted in calls, on one thread, so that no clock has a say.

use drb::{Client, Peer, Server};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::{JoinSet, yield_now},
    time::timeout,
};

#[derive(Default)]
struct Till {
    /// How many calls of the one who calls all the time were served.
    served: Arc<AtomicU64>,
}

#[drb::service]
impl Till {
    pub fn flood(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes longer than a turn is.
    pub fn grind(&self) {
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(100) {}
        self.flood();
    }

    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}

/// A connection from an address.
async fn connect(server: &Server, address: [u8; 4]) -> io::Result<DuplexStream> {
    let (near, far) = duplex(64 << 10);
    let peer = Peer::Tcp(SocketAddr::from((address, 1)));
    server.serve_stream(far, peer).await.map_err(io::Error::other)?;
    Ok(near)
}

/// A client at an address.
fn client(server: &Server, address: [u8; 4]) -> Client {
    let server = server.clone();
    let connect = move |_| {
        let server = server.clone();
        async move { connect(&server, address).await }
    };
    Client::builder().connector(connect).build()
}

#[derive(Clone, Copy)]
enum Method {
    Flood,
    Grind,
}

const CALLS_ALL_THE_TIME: [u8; 4] = [10, 0, 0, 1];
const CALLS_NOW_AND_THEN: [u8; 4] = [10, 0, 0, 2];

/// The most calls of the one peer that are served between a call of the other and its being served.
async fn most_between(scheme: &str, flood: impl AsyncFnOnce(&Server, &str) -> JoinSet<()>) -> u64 {
    let till = Till::default();
    let served = Arc::clone(&till.served);
    let uri = format!("{scheme}://till:1");
    let server = Server::builder().front(till).start_without_listener(uri.as_str()).unwrap();
    let flood = flood(&server, &uri).await;
    let till: TillProxy = client(&server, CALLS_NOW_AND_THEN).connect(&uri).await.unwrap();
    let mut most = 0;
    for pause in 0..60 {
        // At one time or another.
        for _ in 0..pause {
            yield_now().await;
        }
        let before = served.load(Ordering::Relaxed);
        let asked = timeout(Duration::from_secs(60), till.served()).await;
        // The first time it has to connect.
        if pause > 0 {
            most = most.max(asked.unwrap().unwrap() - before);
        }
    }
    let all = served.load(Ordering::Relaxed);
    assert!(all >= 50, "the other one was served as well: {all}");
    drop(flood);
    server.drain(Duration::from_secs(1)).await;
    most
}

/// Calls of one of the methods over so many connections, with so many calls at a time over each.
async fn calls(
    server: &Server,
    uri: &str,
    method: Method,
    connections: usize,
    at_once: usize,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let client = client(server, CALLS_ALL_THE_TIME);
        let till: TillProxy = client.connect(uri).await.unwrap();
        for _ in 0..at_once {
            let till = till.clone();
            tasks.spawn(async move {
                let call = async || match method {
                    Method::Flood => till.flood().await,
                    Method::Grind => till.grind().await,
                };
                while call().await.is_ok() {}
            });
        }
    }
    tasks
}

#[tokio::test]
async fn many_connections_of_one_peer_keep_nobody_waiting_on_rubys_wire() {
    for connections in [1, 2, 64] {
        for method in [Method::Flood, Method::Grind] {
            let flood =
                async |server: &Server, uri: &str| calls(server, uri, method, connections, 1).await;
            let most = most_between("druby", flood).await;
            assert!(most <= 2, "{most} calls beside {connections} connections");
        }
    }
}

#[tokio::test]
async fn many_connections_of_one_peer_keep_nobody_waiting_on_the_native_wire() {
    const AT_ONCE: usize = 8;
    for connections in [1, 2, 64] {
        // Those of one connection arrive together. But a turn ends with a call that takes long.
        for (method, few) in [(Method::Flood, 2 * AT_ONCE as u64), (Method::Grind, 2)] {
            let flood = async |server: &Server, uri: &str| {
                calls(server, uri, method, connections, AT_ONCE).await
            };
            let most = most_between("drb", flood).await;
            assert!(most <= few, "{most} calls beside {connections} connections");
        }
    }
}

/// `flood()` and `grind()` of the front object, as Ruby sends them.
const REQUESTS: [&[u8]; 2] = [
    b"\0\0\0\x03\x04\x080\0\0\0\x0f\x04\x08I\"\nflood\x06:\x06ET\
    \0\0\0\x04\x04\x08i\0\0\0\0\x03\x04\x080",
    b"\0\0\0\x03\x04\x080\0\0\0\x0f\x04\x08I\"\ngrind\x06:\x06ET\
    \0\0\0\x04\x04\x08i\0\0\0\0\x03\x04\x080",
];

/// Ruby waits for each answer; others may not.
#[tokio::test]
async fn calls_that_nobody_waits_for_keep_nobody_waiting() {
    let cases = [1, 2, 64].into_iter().flat_map(|connections| REQUESTS.map(|r| (connections, r)));
    for (connections, request) in cases {
        let flood = async |server: &Server, _: &str| {
            let mut tasks = JoinSet::new();
            for _ in 0..connections {
                let stream = connect(server, CALLS_ALL_THE_TIME).await.unwrap();
                let (mut answers, mut calls) = tokio::io::split(stream);
                tasks.spawn(async move {
                    let mut buffer = vec![0; 64 << 10];
                    while matches!(answers.read(&mut buffer).await, Ok(1..)) {}
                });
                tasks.spawn(async move {
                    let many = request.repeat(1000);
                    while calls.write_all(&many).await.is_ok() {}
                });
            }
            tasks
        };
        let most = most_between("druby", flood).await;
        // What is read at once, twice. But a turn ends with a call that takes long.
        let few = match request == REQUESTS[1] {
            true => 2,
            false => 2 * (4 << 10) / request.len() as u64 + 2,
        };
        assert!(most <= few, "{most} calls beside {connections} connections");
    }
}
