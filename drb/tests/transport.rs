//! Connections that the program makes itself, in place of sockets.

use drb::{Client, Error, Peer, Server, prelude::*};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{self, Poll, ready},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

#[derive(Default, DrbUndumped)]
struct Counter(AtomicUsize);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[derive(Default)]
struct Desk;

#[drb::service]
impl Desk {
    pub fn who(&self, #[drb(context)] call: &Context) -> String {
        format!("{:?} {}", call.wire(), call.peer())
    }

    pub fn echo(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub async fn call(&self, counter: CounterProxy) -> drb::Result<usize> {
        counter.inc().await
    }
}

/// Keeps what is written until it is flushed, as TLS may do.
struct Buffered {
    inner: DuplexStream,
    kept: Vec<u8>,
}

impl AsyncRead for Buffered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Buffered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, kept } = &mut *self;
        while !kept.is_empty() {
            let written = ready!(Pin::new(&mut *inner).poll_write(context, kept))?;
            kept.drain(..written);
        }
        Pin::new(inner).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// A client whose connections all lead to `server`, which is told that they are `peer`'s.
fn client_of(server: &Server, peer: Peer) -> Client {
    let server = server.clone();
    let connect = move |_| {
        let (server, peer) = (server.clone(), peer.clone());
        // Less than a message: writing has to wait for reading.
        let (near, far) = duplex(1000);
        async move {
            let far = Buffered { inner: far, kept: Vec::new() };
            server.serve_stream(far, peer).await.map_err(io::Error::other)?;
            Ok(Buffered { inner: near, kept: Vec::new() })
        }
    };
    Client::builder().connector(connect).build()
}

fn named() -> Peer {
    Peer::Named("a friend".into())
}

fn tcp(address: &str) -> Peer {
    Peer::Tcp(address.parse::<SocketAddr>().unwrap())
}

#[tokio::test]
async fn both_wires_go_over_the_programs_own_streams() {
    for (uri, wire) in [("drb://desk:1", "Native"), ("druby://desk:2", "Ruby")] {
        let server = Server::builder().front(Desk).start_without_listener(uri).unwrap();
        assert_eq!(server.uri(), uri);
        let client = client_of(&server, named());
        let desk: DeskProxy = client.connect(uri).await.unwrap();
        assert_eq!(desk.who().await.unwrap(), format!("{wire} a friend"));
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
        assert_eq!(desk.echo(&bytes).await.unwrap(), bytes);
        // Again, over the connection that is there.
        assert_eq!(desk.who().await.unwrap(), format!("{wire} a friend"));
        assert!(server.drain(Duration::from_secs(5)).await);
        let error = desk.who().await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. } | Error::ConnectionLost { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn callbacks_come_over_the_same_stream() {
    let server = Server::builder().front(Desk).start_without_listener("drb://desk:3").unwrap();
    let desk: DeskProxy = client_of(&server, named()).connect("drb://desk:3").await.unwrap();
    let counter = Arc::new(Counter::default());
    assert_eq!(desk.call(&counter).await.unwrap(), 1);
    assert_eq!(desk.call(&counter).await.unwrap(), 2);
}

#[tokio::test]
async fn who_is_let_in_depends_on_the_address_where_there_is_one() {
    let acl = "deny all  allow 10.0.0.*".parse().unwrap();
    let limits = drb::Limits { connections_per_address: 1, ..drb::Limits::default() };
    let builder = Server::builder().front(Desk).acl(acl).limits(limits);
    let server = builder.start_without_listener("drb://desk:4").unwrap();
    let connect = async |peer: Peer| {
        let desk: DeskProxy = client_of(&server, peer).connect("drb://desk:4").await.unwrap();
        let who = desk.who().await;
        (desk, who)
    };
    // As those that the server accepts: an IPv4 address is one, however it is written.
    let (_first, who) = connect(tcp("[::ffff:10.0.0.1]:7")).await;
    assert_eq!(who.unwrap(), "Native 10.0.0.1:7");
    let (_, refused) = connect(tcp("192.168.0.1:7")).await;
    assert!(matches!(refused, Err(Error::ConnectionLost { .. })), "{refused:?}");
    let (_, second) = connect(tcp("10.0.0.1:8")).await;
    assert!(matches!(second, Err(Error::ConnectionLost { .. })), "{second:?}");
    assert!(connect(tcp("10.0.0.2:7")).await.1.is_ok());
    // The program has let it in.
    assert!(connect(named()).await.1.is_ok());
}

#[tokio::test]
async fn a_server_that_listens_takes_them_as_well() {
    let server = drb::start_service("drb://127.0.0.1:0", Desk).await.unwrap();
    let desk = DeskProxy::connect(server.uri()).await.unwrap();
    assert!(desk.who().await.unwrap().starts_with("Native 127.0.0.1:"));
    let desk: DeskProxy = client_of(&server, named()).connect(server.uri()).await.unwrap();
    assert_eq!(desk.who().await.unwrap(), "Native a friend");
}

#[tokio::test]
async fn a_connector_is_told_where_to_and_its_errors_are_told() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let client = Client::builder().connector({
        let asked = Arc::clone(&asked);
        move |address| {
            asked.lock().unwrap().push(address.to_string());
            async { Err::<DuplexStream, _>(io::Error::other("no such certificate")) }
        }
    });
    let client = client.build();
    for uri in ["drb://desk.example:5", "druby://desk.example:5"] {
        let error = client.connect::<DeskProxy>(uri).await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("cannot connect to {uri}: no such certificate"));
    }
    assert_eq!(*asked.lock().unwrap(), ["druby://desk.example:5"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_never_ends_is_given_up() {
    let client =
        Client::builder().connector(|_| std::future::pending::<io::Result<DuplexStream>>()).build();
    let begun = tokio::time::Instant::now();
    let error = client.connect::<DeskProxy>("drb://desk:6").await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(begun.elapsed(), client.limits().connect);
}

#[tokio::test]
async fn a_server_without_a_listener_needs_an_address_that_others_know() {
    for uri in ["drb://:1", "drb://desk:0", "drb://desk:1?name", "desk"] {
        let started = Server::builder().front(Desk).start_without_listener(uri);
        assert!(matches!(started, Err(Error::BadUri { .. })), "{uri}");
    }
}
