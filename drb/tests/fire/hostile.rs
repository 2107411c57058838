//! What strangers, and clients that don't keep to the protocol, can do at the door of a server of drbfire.

use crate::*;
use drb::{Error, Limit, Limits, Object, ObjectId, Peer, Proxy, Reference, fire};
use std::{io::ErrorKind, net::SocketAddr, time::Instant};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};

fn address(server: &Server) -> SocketAddr {
    let (_, port) = server.uri().rsplit_once(':').unwrap();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Connects and says what for.
async fn raw(server: &Server, purpose: &[u8]) -> TcpStream {
    raw_from(server, 1, purpose).await
}

/// The same from another address of this machine.
async fn raw_from(server: &Server, from: u8, purpose: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).unwrap();
    let mut stream = socket.connect(address(server)).await.unwrap();
    stream.write_all(purpose).await.unwrap();
    stream
}

async fn control(server: &Server) -> (TcpStream, u32) {
    let mut control = raw(server, b"3").await;
    let number = soon(control.read_u32()).await.unwrap();
    (control, number)
}

pub(crate) fn claim(number: u32) -> Vec<u8> {
    [b"2", &number.to_be_bytes()[..]].concat()
}

/// The server closes it without a word.
async fn is_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert_eq!(rest, [0; 0]);
}

/// Calls the front of a client, as a method of the server would.
pub(crate) async fn call(server: &Server, number: u32) -> drb::Result<u32> {
    call_with(Client::new(), server, number).await
}

async fn call_with(client: Client, server: &Server, number: u32) -> drb::Result<u32> {
    let to = Reference::new(format!("{}?{number}", server.uri()), ObjectId::Front);
    Object::from_remote(client.remote(to)).call("size", ()).await
}

/// Begins such a call, for which the client is asked for a connection.
pub(crate) async fn wanted(
    client: Client,
    server: &Server,
    number: u32,
    control: &mut (impl AsyncRead + Unpin),
) -> JoinHandle<drb::Result<u32>> {
    let server = server.clone();
    let called = tokio::spawn(async move { call_with(client, &server, number).await });
    assert_eq!(soon(control.read_u8()).await.unwrap(), b'0');
    called
}

/// The call comes over that connection, and has its answer.
pub(crate) async fn is_answered(
    called: JoinHandle<drb::Result<u32>>,
    back: &mut (impl AsyncRead + AsyncWrite + Unpin),
) {
    answer(back).await;
    assert_eq!(soon(called).await.unwrap().unwrap(), 7);
}

/// Answers the one call that comes: with 7.
async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    // nil, "size", no arguments, no block.
    for _ in 0..4 {
        let length = soon(stream.read_u32()).await.unwrap();
        let mut frame = vec![0; length as usize];
        stream.read_exact(&mut frame).await.unwrap();
        assert!(frame.starts_with(&[4, 8]));
    }
    stream.write_all(b"\0\0\0\x03\x04\x08T\0\0\0\x04\x04\x08i\x0c").await.unwrap();
}

/// A connection of the program's own, which comes from an address as far as the server knows.
pub(crate) async fn brought(
    server: &Server,
    from: &str,
    purpose: &[u8],
    room: usize,
) -> DuplexStream {
    let (mut near, far) = tokio::io::duplex(room);
    let peer = Peer::Tcp(from.parse().unwrap());
    server.serve_stream(far, peer).await.unwrap();
    // It may be closed already.
    let _ = near.write_all(purpose).await;
    near
}

pub(crate) async fn is_at_its_end(stream: &mut DuplexStream) {
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert_eq!(rest, [0; 0]);
}

pub(crate) fn start_for_streams(limits: Limits) -> Server {
    let server = Server::builder().front(Desk::default()).limits(limits);
    // The number is in the references of clients, and the host of no use.
    server.start_without_listener("drbfire://nowhere:1").unwrap()
}

#[tokio::test]
async fn a_number_that_nobody_has() {
    let (server, refused) = start().await;
    let (_control, number) = control(&server).await;
    for other in [0, 1, u32::MAX, number ^ 1] {
        is_closed(raw(&server, &claim(other)).await).await;
    }
    let told = refused.wait_for(4).await;
    assert_eq!(told[1], "the peer is not the client 1");
    assert_eq!(server.counters().refused_fire, 4);
}

#[tokio::test]
async fn the_number_of_another_address() {
    let (server, refused) = start().await;
    let (mut control, number) = control(&server).await;
    let called = wanted(Client::new(), &server, number, &mut control).await;
    // Now it is wanted, and this one has the right number.
    is_closed(raw_from(&server, 2, &claim(number)).await).await;
    assert_eq!(refused.wait_for(1).await, [format!("the peer is not the client {number}")]);
    let mut back = raw(&server, &claim(number)).await;
    is_answered(called, &mut back).await;
}

#[tokio::test]
async fn a_number_of_another_server() {
    let ((one, _), (other, refused)) = (start().await, start().await);
    let (mut control, number) = control(&one).await;
    let called = wanted(Client::new(), &one, number, &mut control).await;
    is_closed(raw(&other, &claim(number)).await).await;
    assert_eq!(refused.wait_for(1).await.len(), 1);
    is_answered(called, &mut raw(&one, &claim(number)).await).await;
}

#[tokio::test]
async fn a_connection_that_nobody_wants() {
    let (server, refused) = start().await;
    let (mut control, number) = control(&server).await;
    is_closed(raw(&server, &claim(number)).await).await;
    let told = format!("no connection of the client {number} is wanted");
    assert_eq!(refused.wait_for(1).await, [told.as_str()]);

    // One is wanted, and two come.
    let called = wanted(Client::new(), &server, number, &mut control).await;
    let mut back = raw(&server, &claim(number)).await;
    is_answered(called, &mut back).await;
    is_closed(raw(&server, &claim(number)).await).await;
    assert_eq!(refused.wait_for(2).await[1], told);
}

#[tokio::test]
async fn a_client_that_never_connects() {
    let (server, refused) = start().await;
    let (mut control, number) = control(&server).await;
    let limits = Limits { connect: Duration::from_millis(200), ..Limits::default() };
    let client = || Client::builder().limits(limits).build();
    for _ in 0..3 {
        let began = Instant::now();
        let error = soon(call_with(client(), &server, number)).await.unwrap_err();
        let Error::Connect { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::TimedOut, "{error}");
        assert!((200..2000).contains(&began.elapsed().as_millis()));
        assert_eq!(soon(control.read_u8()).await.unwrap(), b'0');
    }
    // What comes late is wanted by nobody, but isn't a lie.
    for _ in 0..3 {
        is_closed(raw(&server, &claim(number)).await).await;
    }
    assert_eq!(*refused.0.lock().unwrap(), [""; 0]);
    is_closed(raw(&server, &claim(number)).await).await;
    assert_eq!(refused.wait_for(1).await.len(), 1);
    // And it may do better.
    let called = wanted(Client::new(), &server, number, &mut control).await;
    is_answered(called, &mut raw(&server, &claim(number)).await).await;
}

#[tokio::test]
async fn a_client_that_goes_while_it_is_waited_for() {
    let (server, _) = start().await;
    let (mut control, number) = control(&server).await;
    let called = wanted(Client::new(), &server, number, &mut control).await;
    drop(control);
    let error = soon(called).await.unwrap().unwrap_err();
    assert_eq!(fire::Error::of(&error), Some(&fire::Error::Gone), "{error}");
    let error = soon(call(&server, number)).await.unwrap_err();
    let number = number.to_string();
    assert_eq!(fire::Error::of(&error), Some(&fire::Error::NotConnected { number }), "{error}");
    assert_eq!(error.outcome(), drb::Outcome::NotExecuted);
}

#[tokio::test]
async fn a_client_that_says_more_than_it_has_to() {
    let (server, _) = start().await;
    let (mut control, number) = control(&server).await;
    control.write_all(b"0").await.unwrap();
    is_closed(control).await;
    assert!(call(&server, number).await.is_err());
}

/// Whoever begins and doesn't go on is closed like those who begin in no way.
#[tokio::test]
async fn a_greeting_that_breaks_off() {
    let limits = Limits { greeting: Duration::from_millis(200), ..Limits::default() };
    let (server, refused) =
        start_with(Server::builder().limits(limits), "drbfire://localhost:0").await;
    for beginning in [&b""[..], b"1", b"1\0\0", b"2", b"2\0\0\0"] {
        let began = Instant::now();
        is_closed(raw(&server, beginning).await).await;
        assert!((150..2000).contains(&began.elapsed().as_millis()), "{beginning:?}");
    }
    assert_eq!(refused.wait_for(5).await.len(), 5);
    assert_eq!(server.counters().exceeded(Limit::Greeting), 5);
    // A control connection is silent for as long as it likes.
    let (mut control, number) = control(&server).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let called = wanted(Client::new(), &server, number, &mut control).await;
    is_answered(called, &mut raw(&server, &claim(number)).await).await;
}

/// Control connections and those that are called back over are counted like all others, as long as they are there.
#[tokio::test]
async fn the_number_of_connections_is_bounded() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let (server, refused) =
        start_with(Server::builder().limits(limits), "drbfire://localhost:0").await;
    let (mut control_one, number) = control(&server).await;
    let (control_two, _) = control(&server).await;
    let client = Client::new();
    let called = wanted(client.clone(), &server, number, &mut control_one).await;
    let mut back = raw(&server, &claim(number)).await;
    is_answered(called, &mut back).await;
    // The client keeps that one for the next call, so there are three now.
    is_closed(raw(&server, b"3").await).await;
    assert_eq!(refused.wait_for(1).await, ["connections"]);
    // With the client it goes.
    drop(client);
    let mut rest = Vec::new();
    soon(back.read_to_end(&mut rest)).await.unwrap();
    drop(control_two);
    for _ in 0..2 {
        let mut tries = 0;
        loop {
            let mut again = raw(&server, b"3").await;
            if again.read_u32().await.is_ok() {
                std::mem::forget(again);
                break;
            }
            tries += 1;
            assert!(tries < 100);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_flood_of_control_connections_leaves_nothing() {
    let (server, _) = start().await;
    let mut numbers = Vec::new();
    for _ in 0..10 {
        let mut some = Vec::new();
        for _ in 0..50 {
            some.push(control(&server).await);
        }
        numbers.extend(some.into_iter().map(|(_, number)| number));
    }
    let mut distinct = numbers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 500, "no number is given twice");
    for number in numbers {
        let mut tries = 0;
        // The server may not have noticed yet.
        while !matches!(
            fire::Error::of(&call(&server, number).await.unwrap_err()),
            Some(fire::Error::NotConnected { .. })
        ) {
            tries += 1;
            assert!(tries < 100);
        }
    }
    let desk = desk(&server).await;
    assert_eq!(desk.echo("tea").await.unwrap(), "tea");
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_guesses() {
    let limits = Limits { connections_per_address: 2, auth_failures: 3, ..Limits::default() };
    let server = start_for_streams(limits);
    let mut control = brought(&server, "192.0.2.1:1", b"3", 64).await;
    let number = soon(control.read_u32()).await.unwrap();
    let mut other = brought(&server, "192.0.2.1:2", b"3", 64).await;
    soon(other.read_u32()).await.unwrap();
    is_at_its_end(&mut brought(&server, "192.0.2.1:3", b"3", 64).await).await;
    assert_eq!(server.counters().exceeded(Limit::ConnectionsPerAddress), 1);
    drop(other);

    let called = wanted(Client::new(), &server, number, &mut control).await;
    for port in 1..=3 {
        let from = format!("192.0.2.2:{port}");
        is_at_its_end(&mut brought(&server, &from, &claim(number), 64).await).await;
    }
    assert_eq!(server.counters().refused_fire, 3);
    // It isn't listened to any more.
    is_at_its_end(&mut brought(&server, "192.0.2.2:4", b"3", 64).await).await;
    assert_eq!(server.counters().exceeded(Limit::Penalty), 1);
    let mut back = brought(&server, "192.0.2.1:4", &claim(number), 64).await;
    is_answered(called, &mut back).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_what_is_wanted() {
    let limits = Limits { stall: Duration::from_millis(200), ..Limits::default() };
    let server = start_for_streams(limits);
    let mut control = brought(&server, "192.0.2.1:1", b"3", 4).await;
    let number = soon(control.read_u32()).await.unwrap();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move { call(&server, number).await })
        })
        .collect();
    for called in calls {
        let error = soon(called).await.unwrap().unwrap_err();
        assert_eq!(fire::Error::of(&error), Some(&fire::Error::Gone), "{error}");
    }
    assert_eq!(server.counters().exceeded(Limit::Stall), 1);
}
