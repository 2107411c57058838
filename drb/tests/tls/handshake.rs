//! Handshakes that never end, break off, or are none.

use crate::made::*;
use drb::{Limits, Server};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

fn place(server: &Server) -> String {
    server.uri().replace("drbssl://", "")
}

/// The first bytes that a client of TLS sends, from a real one.
async fn hello() -> Vec<u8> {
    let listener = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
    let uri = format!("drbssl://localhost:{}", listener.local_addr().unwrap().port());
    let asking = tokio::spawn(async move { client().connect::<DeskProxy>(&uri).await.map(drop) });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut hello = vec![0; 4096];
    let count = stream.read(&mut hello).await.unwrap();
    hello.truncate(count);
    drop(stream);
    assert!(asking.await.unwrap().is_err());
    assert_eq!(hello[0], 0x16);
    hello
}

#[tokio::test]
async fn those_that_stall_hold_up_nobody_and_are_given_up() {
    let greeting = Duration::from_millis(1500);
    let limits = Limits { greeting, ..Limits::default() };
    let (server, refused) = start_with(Server::builder().limits(limits), requiring_clients()).await;
    let hello = hello().await;
    let mut stalled = Vec::new();
    // Nothing, a byte, half of the greeting, all of it and then nothing.
    for round in 0..20 {
        let mut stream = TcpStream::connect(place(&server)).await.unwrap();
        let bytes = [0, 1, hello.len() / 2, hello.len()][round % 4];
        stream.write_all(&hello[..bytes]).await.unwrap();
        stalled.push(stream);
    }
    let began = Instant::now();
    let desk: DeskProxy = client_as(client_certificate()).connect(server.uri()).await.unwrap();
    assert_eq!(desk.echo([1]).await.unwrap(), [1]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    for stream in &mut stalled {
        let mut all = Vec::new();
        let closed = timeout(Duration::from_secs(10), stream.read_to_end(&mut all)).await;
        assert!(closed.is_ok(), "it is closed");
    }
    assert_eq!(server.counters().exceeded(drb::Limit::Greeting), 20);
    assert!(refused.take().iter().all(|limit| limit == "greeting"));
    assert_eq!(desk.echo([1]).await.unwrap(), [1]);
}

#[tokio::test]
async fn whatever_comes_in_place_of_one_the_server_goes_on() {
    let (server, _) = start(requiring_clients()).await;
    let hello = hello().await;
    let mut seed = 7_u32;
    for round in 0..200 {
        let mut stream = TcpStream::connect(place(&server)).await.unwrap();
        let mut bytes = hello.clone();
        for _ in 0..=round % 5 {
            // xorshift: the same bytes in each run.
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            let place = seed as usize % bytes.len();
            bytes[place] ^= (seed >> 8) as u8 | 1;
            if round % 3 == 0 {
                bytes.truncate(seed as usize % bytes.len() + 1);
            }
        }
        let _ = stream.write_all(&bytes).await;
        if round % 2 == 0 {
            // A reset in place of an end.
            #[allow(deprecated)]
            stream.set_linger(Some(Duration::ZERO)).unwrap();
        } else {
            let mut all = Vec::new();
            let _ = stream.shutdown().await;
            let closed = timeout(Duration::from_secs(5), stream.read_to_end(&mut all)).await;
            assert!(closed.is_ok(), "round {round}: it is closed");
        }
    }
    let desk: DeskProxy = client_as(client_certificate()).connect(server.uri()).await.unwrap();
    assert_eq!(desk.echo([1]).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_server_stops_although_handshakes_go_on() {
    let (server, _) = start(requiring_clients()).await;
    let hello = hello().await;
    let mut stream = TcpStream::connect(place(&server)).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let mut silent = TcpStream::connect(place(&server)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(server.drain(Duration::from_secs(5)).await);
    let mut all = Vec::new();
    assert!(timeout(Duration::from_secs(5), silent.read_to_end(&mut all)).await.is_ok());
}
