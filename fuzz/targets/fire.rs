//! Whatever comes over the connections of drbfire: to a server, whose clients keep to the protocol or don't, and are
//! gone at any time; and to a client, from its server. The first byte says to which, the rest is what happens. Time is
//! the runtime's, and stands still while anything is to do.
#![no_main]

use drb::{
    Address, Client, Error, Limits, Object, ObjectId, Peer, Proxy, Reference, Server, Value, fire,
};
use libfuzzer_sys::fuzz_target;
use std::{
    collections::BTreeMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Builder,
    task::JoinSet,
    time::{sleep, timeout},
};

const URI: &str = "drbfire://nowhere:1";

/// Longer than all that may take its time.
const LONG: Duration = Duration::from_secs(1000);

fuzz_target!(|bytes: &[u8]| {
    let Some((side, script)) = bytes.split_first() else { return };
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    match side % 2 {
        0 => runtime.block_on(server(script)),
        _ => runtime.block_on(client(script)),
    }
});

/// Lets everybody else do what there is to do. (Only then does time go on.)
async fn settle() {
    sleep(Duration::from_millis(2)).await;
}

/// Who is connected to the server.
struct Connected {
    stream: DuplexStream,
    /// The last byte of the address.
    from: u8,
    said: Vec<u8>,
    heard: Vec<u8>,
}

impl Connected {
    async fn say(&mut self, bytes: &[u8]) {
        // Who doesn't listen any more, or not now, misses it.
        for piece in bytes.chunks(1) {
            match timeout(Duration::ZERO, self.stream.write_all(piece)).await {
                Ok(Ok(())) => self.said.extend(piece),
                _ => return,
            }
        }
    }

    async fn listen(&mut self) {
        let mut bytes = [0; 256];
        while let Ok(Ok(count @ 1..)) = timeout(Duration::ZERO, self.stream.read(&mut bytes)).await
        {
            self.heard.extend(&bytes[..count]);
        }
    }

    /// The number that the server has given it.
    fn number(&self) -> Option<u32> {
        match (self.said.first(), self.heard.first_chunk()) {
            (Some(b'3'), Some(number)) => Some(u32::from_be_bytes(*number)),
            _ => None,
        }
    }

    /// The number that it says it has.
    fn claims(&self) -> Option<u32> {
        match self.said.first_chunk() {
            Some([b'2', a, b, c, d]) => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }
}

/// What is known of a number.
#[derive(Default)]
struct Known {
    from: u8,
    calls: usize,
    answering: usize,
}

async fn server(script: &[u8]) {
    let limits = Limits { connections: 8, connections_per_address: 5, ..Limits::default() };
    let server = Server::builder().front(()).limits(limits).start_without_listener(URI);
    let server = server.expect("a server");
    let mut connected: Vec<Connected> = Vec::new();
    let mut known: BTreeMap<u32, Known> = BTreeMap::new();
    let mut calls = JoinSet::new();
    let mut script = script.iter().copied();
    let mut begun = 0;
    while let (Some(what), Some(how)) = (script.next(), script.next()) {
        let place = usize::from(how) % connected.len().max(1);
        match what % 8 {
            0 if begun < 12 => {
                begun += 1;
                let (near, far) = duplex([5, 64][usize::from(how >> 7)]);
                let from = how % 3;
                let peer = Peer::Tcp((Ipv4Addr::new(192, 0, 2, from), 1).into());
                server.serve_stream(far, peer).await.expect("the server runs");
                let (said, heard) = (Vec::new(), Vec::new());
                connected.push(Connected { stream: near, from, said, heard });
            }
            // The purposes, more often than they would come up.
            1 => {
                let number = known.keys().nth(usize::from(how >> 4) % known.len().max(1));
                let number = number.copied().unwrap_or_default().to_be_bytes();
                let purpose = match what >> 6 {
                    0 => b"3".to_vec(),
                    1 => b"1".to_vec(),
                    2 => [b"2", &number[..]].concat(),
                    _ => [b"2", &number[..2]].concat(),
                };
                if let Some(one) = connected.get_mut(place) {
                    one.say(&purpose).await;
                }
            }
            2 => {
                let bytes: Vec<u8> = script.by_ref().take(usize::from(what >> 3)).collect();
                if let Some(one) = connected.get_mut(place) {
                    one.say(&bytes).await;
                }
            }
            3 if calls.len() < 20 => {
                let place = usize::from(how) % known.len().max(1);
                let Some((number, known)) = known.iter_mut().nth(place) else { continue };
                known.calls += 1;
                calls.spawn(call(*number));
            }
            4 => {
                if let Some(one) = connected.get_mut(place) {
                    one.listen().await;
                }
            }
            5 if !connected.is_empty() => {
                connected.swap_remove(place);
            }
            6 => sleep(Duration::from_secs(u64::from(how))).await,
            7 => {
                if let Some(one) = connected.get_mut(place) {
                    // It may have gone.
                    let _ = timeout(Duration::ZERO, one.stream.shutdown()).await;
                }
            }
            _ => {}
        }
        settle().await;
        check(&connected, &mut known);
    }
    // Whoever holds a connection and says nothing keeps no call waiting.
    sleep(LONG).await;
    while let Some(ended) = calls.try_join_next() {
        // Whatever it gives.
        let _ = ended.expect("a call doesn't panic");
    }
    assert!(calls.is_empty(), "a call waits for ever");
    for one in &mut connected {
        one.listen().await;
    }
    check(&connected, &mut known);
    drop(connected);
    settle().await;
    for number in known.into_keys() {
        let error = call(number).await.expect_err("nobody is there");
        let number = number.to_string();
        assert_eq!(fire::Error::of(&error), Some(&fire::Error::NotConnected { number }), "{error}");
    }
    server.stop();
    timeout(LONG, server.wait()).await.expect("the server ends");
}

async fn call(number: u32) -> Result<Value, Error> {
    let to = Reference::new(format!("{URI}?{number}"), ObjectId::Front);
    Object::from_remote(Client::new().remote(to)).call("size", ()).await
}

/// Calls only go to who may get them: who has a connection from the right address, with a number that the server has
/// given, and no more often than there are calls.
fn check(connected: &[Connected], known: &mut BTreeMap<u32, Known>) {
    for one in connected {
        let Some(number) = one.number() else { continue };
        let known = known.entry(number).or_insert(Known { from: one.from, ..Known::default() });
        assert_eq!(known.from, one.from, "a number that another one has");
        assert!(one.heard[4..].iter().all(|byte| *byte == b'0'), "{:?}", one.heard);
        // For each call one, and now and then one to see whether the client is there.
        assert!(one.heard[4..].len() <= known.calls * 2, "{} calls", known.calls);
    }
    known.values_mut().for_each(|known| known.answering = 0);
    for one in connected {
        if one.said.first() != Some(&b'2') || one.heard.is_empty() {
            continue;
        }
        let number = one.claims().expect("it has said a number");
        let known = known.get_mut(&number).expect("one that the server has given");
        assert_eq!(known.from, one.from, "a call that is for another one");
        known.answering += 1;
        assert!(known.answering <= known.calls, "a call that nobody makes");
    }
}

async fn client(script: &[u8]) {
    let Some((step, said)) = script.split_first() else { return };
    let made: Arc<Mutex<Vec<DuplexStream>>> = Arc::default();
    let connect = {
        let made = Arc::clone(&made);
        move |_: Address| {
            let (near, far) = duplex(64);
            made.lock().expect("a list").push(far);
            async move { Ok::<_, io::Error>(near) }
        }
    };
    let client = Client::builder().connector(connect).build();
    let starting =
        tokio::spawn(
            async move { Server::builder().front(()).client(client).start_behind(URI).await },
        );
    settle().await;
    let mut control = made.lock().expect("a list").remove(0);
    assert_eq!(control.read_u8().await.expect("what it is for"), b'3');
    for piece in said.chunks(usize::from(*step).max(1)) {
        // The client may have had enough, or have opened as many as it does at a time.
        if !matches!(timeout(Duration::from_secs(1), control.write_all(piece)).await, Ok(Ok(()))) {
            break;
        }
    }
    settle().await;
    let Some((number, wanted)) = said.split_first_chunk::<4>() else {
        drop(control);
        let error = starting.await.expect("it doesn't panic").expect_err("it has no number");
        assert_eq!(fire::Error::of(&error), Some(&fire::Error::NoNumber), "{error}");
        return;
    };
    let server = starting.await.expect("it doesn't panic").expect("it has a number");
    let expected = format!("{URI}?{}", u32::from_be_bytes(*number));
    assert_eq!(server.uri(), expected);
    // Each that was wanted before the server has broken the protocol.
    let count = wanted.iter().take_while(|byte| **byte == b'0').count();
    let mut opened = std::mem::take(&mut *made.lock().expect("a list"));
    let broken = count < wanted.len();
    assert!(opened.len() <= count && (broken || opened.len() == count), "{}", opened.len());
    for one in &mut opened {
        let mut purpose = [0; 5];
        one.read_exact(&mut purpose).await.expect("what it is for");
        assert_eq!(purpose, *[b"2", &number[..]].concat());
    }
    if !broken {
        drop(control);
    }
    drop(opened);
    timeout(LONG, server.wait()).await.expect("it ends with its control connection");
}
