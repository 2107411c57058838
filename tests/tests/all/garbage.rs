//! Bytes that are no request get an answer or an end, within bounds, and harm nobody else.

use drb_tests::{SOON, Server, read_to_close, ruby};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Sends `bytes`, says that there are no more, and gives what the server answers. The server then
/// has to serve the next client as if nothing had been.
async fn answer_to(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(authority(server)).await.unwrap();
    // The server may close before it has read all.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let answer = read_to_close(&mut stream, SOON).await;
    answer.unwrap_or_else(|| panic!("no end of the connection after {:02x?}", head(bytes)))
}

fn authority(server: &Server) -> &str {
    server.uri().strip_prefix("druby://").unwrap()
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(64)]
}

async fn still_serves(server: &Server) {
    let program = "p DRbObject.new_with_uri(ARGV[0]).echo([1, 'a', :b])";
    assert_eq!(ruby(program, &[server.uri()]).await, "[1, \"a\", :b]\n");
}

/// A Marshal stream as a frame.
fn frame(stream: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(stream.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(stream);
    frame
}

/// `echo` with one argument, given as a Marshal stream.
fn echo_request(argument: &[u8]) -> Vec<u8> {
    let streams: [&[u8]; 5] =
        [b"\x04\x080", b"\x04\x08I\"\x09echo\x06:\x06EF", b"\x04\x08i\x06", argument, b"\x04\x080"];
    streams.into_iter().flat_map(frame).collect()
}

#[tokio::test]
async fn other_protocols() {
    let server = Server::example("echo_server").await;
    let tls_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice();
    for bytes in [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice(),
        tls_hello,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\n",
        b"",
        b"\0",
        b"\0\0\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\x80\0\0\0",
        &[0; 4096],
        &[0xff; 4096],
    ] {
        answer_to(&server, bytes).await;
    }
    still_serves(&server).await;
}

/// A Ruby client would send this; each is wrong in one place.
#[tokio::test]
async fn requests_that_are_wrong_in_one_place() {
    let server = Server::example("echo_server").await;
    let good = echo_request(b"\x04\x08i\x06");
    assert_eq!(
        answer_to(&server, &good).await,
        [frame(b"\x04\x08T"), frame(b"\x04\x08i\x06")].concat()
    );

    let nested = [b"\x04\x08".as_slice(), &b"[\x06".repeat(100_000), b"0"].concat();
    let arguments: [&[u8]; 12] = [
        b"",
        b"\x04\x09i\x06",
        b"\x03\x08i\x06",
        b"\x04\x08",
        b"\x04\x08?",
        b"\x04\x08\"\x04\xff\xff\xff\x3f",
        b"\x04\x08[\x04\xff\xff\xff\x3f",
        b"\x04\x08{\x04\xff\xff\xff\x3f",
        b"\x04\x08@\x06",
        b"\x04\x08;\x06",
        b"\x04\x08\"\xfa",
        &nested,
    ];
    for argument in arguments {
        let answer = answer_to(&server, &echo_request(argument)).await;
        // Ruby's client needs an exception, not only an end.
        assert!(answer.starts_with(&frame(b"\x04\x08F")), "{:02x?}", head(argument));
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn every_prefix_of_a_request() {
    let server = Server::example("echo_server").await;
    let request = echo_request(b"\x04\x08[\x07i\x06\"\x06a");
    assert_eq!(answer_to(&server, b"").await, b"");
    for end in 1..request.len() {
        let answer = answer_to(&server, &request[..end]).await;
        assert!(answer.is_empty() || answer.starts_with(&frame(b"\x04\x08F")), "{end} bytes");
    }
    still_serves(&server).await;
}

/// A byte at a time is slow, not wrong.
#[tokio::test]
async fn a_request_in_pieces() {
    let server = Server::example("echo_server").await;
    let mut stream = TcpStream::connect(authority(&server)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in echo_request(b"\x04\x08:\x06a") {
        stream.write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stream.shutdown().await.unwrap();
    let answer = read_to_close(&mut stream, SOON).await.unwrap();
    assert_eq!(answer, [frame(b"\x04\x08T"), frame(b"\x04\x08:\x06a")].concat());
}

/// Every byte of a request replaced by others: whatever comes back, the server goes on.
#[tokio::test]
async fn changed_bytes() {
    let server = Server::example("echo_server").await;
    let request = echo_request(b"\x04\x08[\x08i\x06\"\x06aI:\x06b\x06:\x06ET");
    for at in 0..request.len() {
        for other in [0x00, 0x7f, 0xff, request[at] ^ 1, request[at] ^ 0x80] {
            let mut changed = request.clone();
            changed[at] = other;
            answer_to(&server, &changed).await;
        }
    }
    still_serves(&server).await;
}

/// Many who connect and say nothing don't keep others out.
#[tokio::test]
async fn silent_connections() {
    let server = Server::example("echo_server").await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(authority(&server)).await.unwrap());
    }
    still_serves(&server).await;
    drop(silent);
    still_serves(&server).await;
}
