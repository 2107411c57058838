//! What a server of Ruby's wire says to requests that are none, to halves of requests, and to those in
//! pieces. The table is that of Ruby's drb; where Ruby's hangs or closes without a word, ours answers.

mod store;

use drb::{
    Exception, Limits, Load, Loader, Value,
    ruby::{ReplyReader, frame},
};
use std::time::Duration;
use store::Store;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const NIL: &[u8] = b"\x04\x080";

fn framed(streams: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for stream in streams {
        bytes.extend_from_slice(&(stream.len() as u32).to_be_bytes());
        bytes.extend_from_slice(stream);
    }
    bytes
}

fn marshal(value: impl Into<Value>) -> Vec<u8> {
    value.into().to_marshal().unwrap()
}

/// `method` of the front object with one argument.
fn request(method: &str, argument: impl Into<Value>) -> Vec<u8> {
    framed(&[NIL, &marshal(method), &marshal(1), &marshal(argument), NIL])
}

async fn start() -> (drb::Server, TcpStream) {
    let limits = Limits { frame: 5000, arguments: 4, ..Limits::default() };
    let server = drb::Server::builder()
        .front(Store::default())
        .limits(limits)
        .start("druby://127.0.0.1:0")
        .await
        .unwrap();
    let stream = connect(&server).await;
    (server, stream)
}

async fn connect(server: &drb::Server) -> TcpStream {
    TcpStream::connect(server.uri().strip_prefix("druby://").unwrap()).await.unwrap()
}

/// One reply: the result, or the exception.
async fn reply(stream: &mut TcpStream) -> Result<Value, Exception> {
    let limits = Limits::default();
    let mut reader = ReplyReader::new(&limits);
    let mut bytes = Vec::new();
    loop {
        // One at a time, so that nothing of the next reply is taken.
        let byte = timeout(Duration::from_secs(10), stream.read_u8()).await;
        bytes.push(byte.expect("a reply in time").expect("a whole reply"));
        if let Some(head) = reader.advance(&bytes).unwrap() {
            let mut loader = Loader::marshal(&bytes[head.body], &limits, None).unwrap();
            return if head.success {
                Ok(Value::load(&mut loader).unwrap())
            } else {
                Err(Exception::load(&mut loader).unwrap())
            };
        }
    }
}

/// Nothing more comes, and the connection is closed.
async fn assert_closed(stream: &mut TcpStream) {
    let end = timeout(Duration::from_secs(10), stream.read_u8()).await.expect("an end in time");
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let (_server, mut stream) = start().await;
    stream.set_nodelay(true).unwrap();
    for _ in 0..2 {
        for byte in request("echo", "piecemeal") {
            stream.write_u8(byte).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(reply(&mut stream).await, Ok(Value::from("piecemeal")));
    }
}

#[tokio::test]
async fn requests_in_one_piece_are_answered_in_their_order() {
    let (_server, mut stream) = start().await;
    let mut all = request("echo", 1);
    all.extend(request("sleep", 20));
    all.extend(request("echo", 3));
    all.extend(request("get", "nothing"));
    all.extend(request("echo", 5));
    stream.write_all(&all).await.unwrap();
    assert_eq!(reply(&mut stream).await, Ok(Value::from(1)));
    assert_eq!(reply(&mut stream).await, Ok(Value::from(1)));
    assert_eq!(reply(&mut stream).await, Ok(Value::from(3)));
    let exception = reply(&mut stream).await.unwrap_err();
    assert_eq!(exception.message, "no `nothing`");
    // After a failure the connection is at its end.
    assert_closed(&mut stream).await;
}

#[tokio::test]
async fn the_name_may_be_a_symbol() {
    let (_server, mut stream) = start().await;
    for name in [Value::symbol("echo"), Value::from("echo"), Value::bytes(*b"echo")] {
        let bytes = framed(&[NIL, &marshal(name), &marshal(1), &marshal(7), NIL]);
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(reply(&mut stream).await, Ok(Value::from(7)));
    }
}

#[tokio::test]
async fn a_block_that_nobody_calls_does_no_harm() {
    let (_server, mut stream) = start().await;
    let bytes = framed(&[NIL, &marshal("echo"), &marshal(1), &marshal(7), &marshal(5)]);
    stream.write_all(&bytes).await.unwrap();
    assert_eq!(reply(&mut stream).await, Ok(Value::from(7)));
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let echo = marshal("echo");
    let one = marshal(1);
    let unknown = b"\x04\x08o:\x08Foo\x00".as_slice();
    let invalid = ("RangeError", "invalid reference");
    let cases: Vec<(Vec<u8>, (&str, &str))> = vec![
        (framed(&[NIL, &one, &one, NIL, NIL]), ("NoMethodError", "undefined method 'intern'")),
        (framed(&[NIL, NIL, &one, NIL, NIL]), ("NoMethodError", "undefined method 'intern'")),
        (framed(&[NIL, &marshal(""), &one, NIL, NIL]), ("NoMethodError", "undefined method ''")),
        (framed(&[NIL, &echo, &marshal(1.5), NIL]), ("ArgumentError", "no Integer")),
        (framed(&[NIL, &echo, &marshal("1"), NIL]), ("ArgumentError", "no Integer")),
        (framed(&[NIL, &echo, NIL, NIL]), ("ArgumentError", "no Integer")),
        (framed(&[NIL, &echo, &[], NIL]), ("ArgumentError", "no Integer")),
        (framed(&[NIL, &echo, &marshal(-1), NIL]), ("ArgumentError", "negative array size")),
        (framed(&[NIL, &echo, &marshal(5)]), ("DRb::DRbConnError", "too many arguments")),
        (framed(&[NIL, &echo, &marshal(1_i64 << 40)]), ("DRb::DRbConnError", "too many arguments")),
        (5001_u32.to_be_bytes().to_vec(), ("DRb::DRbConnError", "too large packet 5001")),
        (framed(&[b"junk"]), ("TypeError", "format version 4.8 required; 106.117 given")),
        (framed(&[NIL, &echo, &one, b"junk", NIL]), ("TypeError", "106.117 given")),
        (framed(&[&[], &echo, &one, NIL, NIL]), invalid),
        (framed(&[unknown, &echo, &one, NIL, NIL]), invalid),
        (framed(&[&marshal(false), &echo, &one, NIL, NIL]), invalid),
        (framed(&[&marshal(8), &echo, &one, NIL, NIL]), invalid),
        (framed(&[&marshal(123_456_789), &echo, &one, NIL, NIL]), invalid),
        (framed(&[&marshal("seq"), &echo, &one, NIL, NIL]), invalid),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), ("DRb::DRbConnError", "too large packet 1195725856")),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01".to_vec(),
            ("DRb::DRbConnError", "this server speaks no TLS"),
        ),
    ];
    let (server, _) = start().await;
    for (bytes, (class, message)) in cases {
        let mut stream = connect(&server).await;
        stream.write_all(&bytes).await.unwrap();
        let exception = reply(&mut stream).await.unwrap_err();
        assert_eq!(exception.class, class, "{bytes:?}: {exception}");
        assert!(exception.message.contains(message), "{bytes:?}: {exception}");
        assert!(exception.refused, "{bytes:?}: {exception}");
        assert_closed(&mut stream).await;
    }
}

#[tokio::test]
async fn a_frame_may_be_as_long_as_the_limit() {
    let (server, _) = start().await;
    // A text of 4988 bytes makes a stream of 5000.
    for (len, fits) in [(4988, true), (4989, false)] {
        let mut stream = connect(&server).await;
        let bytes = request("echo", "x".repeat(len));
        stream.write_all(&bytes).await.unwrap();
        match reply(&mut stream).await {
            Ok(value) => assert!(fits && value.as_str().unwrap().len() == len),
            Err(exception) => assert!(!fits, "{exception}"),
        }
    }
}

#[tokio::test]
async fn a_reply_outlives_what_is_sent_behind_the_error() {
    let (_server, mut stream) = start().await;
    let mut bytes = 100_000_000_u32.to_be_bytes().to_vec();
    bytes.resize(20 << 20, 0);
    let (mut reading, mut writing) = stream.split();
    // The client reads only after it has written everything, as Ruby's does.
    timeout(Duration::from_secs(10), writing.write_all(&bytes)).await.unwrap().unwrap();
    let mut answer = Vec::new();
    reading.read_to_end(&mut answer).await.unwrap();
    let head = ReplyReader::new(&Limits::default()).advance(&answer).unwrap().unwrap();
    assert!(!head.success);
}

#[tokio::test]
async fn half_a_connection_is_enough_for_the_reply() {
    let (_server, mut stream) = start().await;
    stream.write_all(&request("sleep", 20)).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(reply(&mut stream).await, Ok(Value::from(1)));
    assert_closed(&mut stream).await;
}

#[tokio::test]
async fn an_end_in_the_middle_is_told() {
    let (server, _) = start().await;
    let whole = request("echo", 1);
    for (len, message) in [
        (2, Some("premature header")),
        (5, Some("premature marshal format(can't read)")),
        (0, None),
        // Behind the reference's frame.
        (7, None),
    ] {
        let mut stream = connect(&server).await;
        stream.write_all(&whole[..len]).await.unwrap();
        stream.shutdown().await.unwrap();
        if let Some(message) = message {
            let exception = reply(&mut stream).await.unwrap_err();
            assert_eq!((&*exception.class, &*exception.message), ("DRb::DRbConnError", message));
        }
        assert_closed(&mut stream).await;
    }
}

#[tokio::test]
async fn many_arguments_share_one_budget() {
    // Each of these arguments is small on the wire, and each is as large as the limit on its own.
    let limits = Limits { nodes: 1000, ..Limits::default() };
    let server = drb::Server::builder()
        .front(Store::default())
        .limits(limits)
        .start("druby://127.0.0.1:0")
        .await
        .unwrap();
    let mut stream = connect(&server).await;
    let mut array = Vec::new();
    frame::write(&mut array, &Limits::default(), None, |dumper| {
        dumper.array(600)?;
        for _ in 0..600 {
            dumper.nil()?;
        }
        dumper.end();
        Ok(())
    })
    .unwrap();
    let mut bytes = framed(&[NIL, &marshal("echo_many"), &marshal(2)]);
    bytes.extend_from_slice(&array);
    bytes.extend_from_slice(&array);
    bytes.extend(framed(&[NIL]));
    stream.write_all(&bytes).await.unwrap();
    let exception = reply(&mut stream).await.unwrap_err();
    assert_eq!(exception.class, "DRb::DRbConnError");
    assert!(exception.message.contains("limit `nodes` of 1000"), "{exception}");
}
