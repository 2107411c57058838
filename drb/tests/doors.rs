//! Who is let in, how long a newcomer may be silent, and what is counted of those who are refused.

mod wires;

use drb::{Acl, Client, Error, Guard, Identity, Limit, Limits, Outcome, Peer, Server, prelude::*};
use std::{
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use wires::{On, on_both_wires};

const SOON: Duration = Duration::from_secs(10);

struct Safe;

#[drb::service]
impl Safe {
    pub fn look(&self) -> u64 {
        1
    }

    #[drb(alias = "unlock")]
    pub fn open(&self, code: u64) -> u64 {
        code
    }

    pub fn who(&self, #[drb(context)] call: &Context) -> String {
        call.identity().to_string()
    }
}

on_both_wires!(
    lists_are_replaced_while_the_server_runs,
    a_guard_is_asked_for_each_call,
    the_list_holds_for_unix_sockets,
    who_is_silent_makes_room_for_others,
    who_has_greeted_is_let_in,
    an_address_has_so_many_connections,
);

async fn start(limits: Limits) -> Server {
    Server::builder().front(Safe).limits(limits).start("druby://127.0.0.1:0").await.unwrap()
}

async fn safe(wire: On, server: &Server) -> SafeProxy {
    Client::new().connect(&wire.elsewhere(server)).await.unwrap()
}

/// Where an address has no other form: over a link to the file.
async fn over_unix(wire: On, server: &Server) -> SafeProxy {
    let path = server.uri().strip_prefix("drbunix:").unwrap().to_owned();
    let link = format!("{path}.{}", wire.scheme());
    let _ = std::os::unix::fs::symlink(&path, &link);
    let uri = wire.uri(server).replace(&path, &link);
    Client::builder().build().connect(&uri).await.unwrap()
}

fn acl(text: &str) -> Acl {
    text.parse().unwrap()
}

/// One that the server takes for a peer of that address.
async fn from(server: &Server, address: &str) -> DuplexStream {
    let (near, far) = duplex(64 << 10);
    let peer = Peer::Tcp(address.parse::<SocketAddr>().unwrap());
    server.serve_stream(far, peer).await.unwrap();
    near
}

async fn is_closed(stream: &mut DuplexStream) -> bool {
    matches!(timeout(SOON, stream.read(&mut [0; 64])).await.expect("in time"), Ok(0) | Err(_))
}

async fn lists_are_replaced_while_the_server_runs(wire: On) {
    let refusals = Arc::new(Mutex::new(Vec::new()));
    let server = Server::builder().front(Safe).acl(acl("deny all allow 127.0.0.1"));
    let server = server.on_refusal({
        let refusals = Arc::clone(&refusals);
        move |refusal| {
            let Peer::Tcp(peer) = refusal.peer else { panic!("{refusal:?}") };
            assert_eq!(*refusal.identity, Identity::Anonymous);
            refusals.lock().unwrap().push((peer.ip().to_string(), refusal.limit));
        }
    });
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    let first = safe(wire, &server).await;
    assert_eq!(first.look().await.unwrap(), 1);
    server.set_acl(acl("deny 127.0.0.1")).unwrap();
    let refused = match Client::new().connect::<SafeProxy>(&wire.elsewhere(&server)).await {
        Ok(second) => second.look().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(refused, Error::ConnectionLost { .. } | Error::Connect { .. }), "{refused:?}");
    assert_eq!(server.counters().refused_connections, 1);
    assert_eq!(*refusals.lock().unwrap(), [("127.0.0.1".to_owned(), None)]);
    // Who was there before stays.
    assert_eq!(first.look().await.unwrap(), 1);
    server.set_acl(acl("deny all allow 127.*")).unwrap();
    assert_eq!(safe(wire, &server).await.look().await.unwrap(), 1);
    let unknown = server.set_acl(acl("allow group:nobody-at-all")).unwrap_err();
    assert!(unknown.to_string().contains("`group:nobody-at-all`"), "{unknown}");
    assert_eq!((server.counters().refused_connections, server.counters().connections), (1, 3));
}

async fn a_guard_is_asked_for_each_call(wire: On) {
    let guard = Guard::new(acl("allow all")).unwrap();
    let guard = guard.method("open", acl("deny all allow user:0")).unwrap();
    let failed = Arc::new(Mutex::new(Vec::new()));
    let server = Server::builder().front(guard.protect(Safe).unwrap()).on_failed_call({
        let failed = Arc::clone(&failed);
        move |call| failed.lock().unwrap().push(call.method.unwrap_or_default().to_owned())
    });
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    let safe = safe(wire, &server).await;
    assert_eq!(safe.look().await.unwrap(), 1);
    let error = safe.open(7).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(exception) if exception.class == "SecurityError"));
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    // Before an argument is looked at.
    let object: drb::Object = Client::new().connect(&wire.elsewhere(&server)).await.unwrap();
    let same = object.call::<u64>("open", ("no code",)).await.unwrap_err();
    assert_eq!(same.to_string(), error.to_string());
    assert_eq!(*failed.lock().unwrap(), ["open", "open"]);
    // Another name is another method, as the docs say.
    assert_eq!(object.call::<u64>("unlock", (7,)).await.unwrap(), 7);
    let missing = object.call::<u64>("shut", ()).await.unwrap_err();
    assert!(matches!(missing, Error::NoMethod(_)), "{missing:?}");

    guard.set_method("open", acl("allow all")).unwrap();
    assert_eq!(safe.open(7).await.unwrap(), 7);
    guard.set(acl("deny all")).unwrap();
    for hidden in ["look", "respond_to?", "inspect", "shut"] {
        let error = object.call::<u64>(hidden, ()).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{hidden}: {error:?}");
    }
    assert_eq!(safe.open(7).await.unwrap(), 7, "a method's own list is asked instead");
    assert_eq!(server.counters().refused_calls, 6);
    // Within the process nobody is asked.
    let own: SafeProxy = server.keep(guard.protect(Safe).unwrap()).unwrap();
    assert_eq!(own.look().await.unwrap(), 1);
}

#[test]
fn a_list_for_a_method_that_is_not_there_is_a_mistake() {
    let guard = Guard::new(Acl::deny_all()).unwrap().method("oepn", Acl::deny_all()).unwrap();
    let error = guard.protect(Safe).unwrap_err();
    assert_eq!(error.to_string(), "an ACL for the method `oepn`, which Safe doesn't have");
    assert!(Guard::new(acl("allow user:nobody-at-all")).is_err());
}

#[tokio::test]
async fn a_server_says_which_user_it_does_not_know() {
    let started = Server::builder().acl(acl("allow user:nobody-at-all")).start(()).await;
    assert!(matches!(started, Err(Error::Acl(_))), "{started:?}");
}

async fn the_list_holds_for_unix_sockets(wire: On) {
    let server =
        Server::builder().front(Safe).acl(Acl::deny_all()).start("drbunix:").await.unwrap();
    let path = server.uri().strip_prefix("drbunix:").unwrap().to_owned();
    let uid = std::fs::metadata(&path).unwrap().uid();
    let refused = over_unix(wire, &server).await.look().await.unwrap_err();
    assert!(matches!(refused, Error::ConnectionLost { .. }), "{refused:?}");
    server.set_acl(acl(&format!("deny all allow user:{uid}"))).unwrap();
    let expected = format!("user {uid}, group");
    assert!(over_unix(wire, &server).await.who().await.unwrap().starts_with(&expected));
    server.set_acl(acl(&format!("deny user:{uid}"))).unwrap();
    over_unix(wire, &server).await.look().await.unwrap_err();
    server.set_acl(acl("deny all allow user:*")).unwrap();
    assert_eq!(over_unix(wire, &server).await.look().await.unwrap(), 1);
    assert_eq!(server.counters().refused_connections, 2);
    std::fs::remove_file(format!("{path}.{}", wire.scheme())).unwrap();
}

/// What a peer can say that is not a whole greeting, and the rest of it.
const GREETINGS: [(&[u8], &[u8]); 4] = [
    (b"", b"drb\n\0\0\0\x01"),
    (b"drb\n\0\0\0", b"\x01"),
    (b"", b"\0\0\0\x03"),
    (b"\0\0\0", b"\x03"),
];

#[tokio::test(start_paused = true)]
async fn a_greeting_has_to_come_in_time() {
    let millisecond = Duration::from_millis(1);
    for (first, rest) in GREETINGS {
        let server = Server::builder().front(Safe).start_without_listener("drb://safe:1").unwrap();
        let greeting = Limits::default().greeting;
        let mut in_time = from(&server, "10.0.0.1:1").await;
        let mut late = from(&server, "10.0.0.1:2").await;
        in_time.write_all(first).await.unwrap();
        late.write_all(first).await.unwrap();
        sleep(greeting - millisecond * 2).await;
        in_time.write_all(rest).await.unwrap();
        let begun = Instant::now();
        // What the native wire says first comes from both sides.
        assert!(is_closed(&mut late).await, "{rest:?}");
        assert!(begun.elapsed() <= millisecond * 4, "{rest:?}: {:?}", begun.elapsed());
        sleep(greeting).await;
        let counters = server.counters();
        assert_eq!((counters.exceeded(Limit::Greeting), counters.connections), (1, 2), "{rest:?}");
        // The other one is still served.
        match timeout(millisecond, in_time.read(&mut [0; 8])).await {
            Ok(Ok(8)) | Err(_) => {}
            ended => panic!("{rest:?}: {ended:?}"),
        }
    }
}

#[tokio::test]
async fn who_leaves_before_greeting_is_not_counted() {
    let server = start(Limits::default()).await;
    for _ in 0..10 {
        drop(TcpStream::connect(server.uri().strip_prefix("druby://").unwrap()).await.unwrap());
    }
    while server.counters().connections < 10 {
        sleep(Duration::from_millis(5)).await;
    }
    let counters = server.counters();
    assert!(Limit::ALL.iter().all(|limit| counters.exceeded(*limit) == 0), "{counters:?}");
}

async fn who_is_silent_makes_room_for_others(wire: On) {
    let limits = Limits { newcomers: 4, newcomers_most: 16, ..Limits::default() };
    let server = start(limits).await;
    let address = server.uri().strip_prefix("druby://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    // Somebody who greets gets through, the one or other time at the second go.
    let mut served = 0;
    for _ in 0..20 {
        match Client::new().connect::<SafeProxy>(&wire.elsewhere(&server)).await {
            Ok(safe) => served += usize::from(safe.look().await.is_ok()),
            Err(error) => assert!(matches!(error, Error::Connect { .. }), "{error:?}"),
        }
    }
    assert!(served >= 10, "{served}");
    let driven_out = server.counters().exceeded(Limit::Newcomers);
    assert!(driven_out >= 84, "{driven_out}");
    let mut open = 0;
    for stream in &mut silent {
        match timeout(Duration::from_millis(1), stream.read(&mut [0; 1])).await {
            Ok(Ok(0) | Err(_)) => {}
            Err(_) => open += 1,
            said => panic!("{said:?}"),
        }
    }
    assert!((1..=16).contains(&open), "{open}");
}

/// However many come at once.
async fn who_has_greeted_is_let_in(wire: On) {
    use std::{io::Write as _, net::TcpStream as Blocking};
    let limits = Limits { newcomers: 1, newcomers_most: 1, ..Limits::default() };
    let server = start(limits).await;
    let address = server.uri().strip_prefix("druby://").unwrap();
    let (call, answer): (&[u8], &[u8]) = match wire {
        On::Ruby => (
            b"\0\0\0\x03\x04\x080\0\0\0\x0e\x04\x08I\"\x09look\x06:\x06ET\0\0\0\x04\x04\x08i\0\0\0\0\x03\x04\x080",
            b"\0\0\0\x03\x04\x08T",
        ),
        _ => (
            b"drb\n\0\0\0\x01\x02\0\0\x04look\x10\0\0\x05\0\0\0\0\0",
            b"drb\n\0\0\0\x01",
        ),
    };
    // The server is not to see any of them before all are there: they share its thread.
    let come = || {
        let mut stream = Blocking::connect(address).unwrap();
        stream.write_all(call).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let all: Vec<Blocking> = (0..50).map(|_| come()).collect();
    for stream in all {
        let mut stream = TcpStream::from_std(stream).unwrap();
        let mut answered = vec![0; answer.len()];
        timeout(SOON, stream.read_exact(&mut answered)).await.expect("in time").unwrap();
        assert_eq!(answered, answer);
    }
    assert!(server.counters().exceeded(Limit::Newcomers) >= 40, "{:?}", server.counters());
}

async fn an_address_has_so_many_connections(wire: On) {
    let limits = Limits { connections_per_address: 3, ..Limits::default() };
    let server =
        Server::builder().front(Safe).limits(limits).start_without_listener("drb://safe:1");
    let server = server.unwrap();
    let greeting: &[u8] = if wire == On::Native { b"drb\n\0\0\0\x01" } else { b"\0\0\0\x03" };
    let mut open = Vec::new();
    for port in 1..=3 {
        let mut stream = from(&server, &format!("10.0.0.1:{port}")).await;
        stream.write_all(greeting).await.unwrap();
        open.push(stream);
    }
    assert!(is_closed(&mut from(&server, "10.0.0.1:4").await).await);
    assert_eq!(server.counters().exceeded(Limit::ConnectionsPerAddress), 1);
    let mut other = from(&server, "10.0.0.2:1").await;
    other.write_all(greeting).await.unwrap();
    assert_eq!(server.counters().exceeded(Limit::ConnectionsPerAddress), 1);
    // The place of one that is gone is free.
    drop(open);
    sleep(Duration::from_millis(100)).await;
    from(&server, "10.0.0.1:5").await.write_all(greeting).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.counters().exceeded(Limit::ConnectionsPerAddress), 1);
}

/// Who has no certificate where one is needed is asked again later only.
#[tokio::test(start_paused = true)]
async fn an_address_that_fails_too_often_is_kept_out() {
    let server = Server::builder().front(Safe).acl(acl("deny all allow tls:*"));
    let server = server.start_without_listener("drb://safe:1").unwrap();
    let counted = |server: &Server| {
        let counters = server.counters();
        (counters.refused_connections, counters.exceeded(Limit::Penalty))
    };
    for failures in 1..=3 {
        assert!(is_closed(&mut from(&server, "10.0.0.1:1").await).await);
        assert_eq!(counted(&server), (failures, 0));
    }
    assert!(is_closed(&mut from(&server, "10.0.0.1:2").await).await);
    assert_eq!(counted(&server), (3, 1));
    // Its neighbour is not.
    assert!(is_closed(&mut from(&server, "10.0.0.2:1").await).await);
    assert_eq!(counted(&server), (4, 1));
    sleep(Limits::default().penalty).await;
    assert!(is_closed(&mut from(&server, "10.0.0.1:1").await).await);
    assert_eq!(counted(&server), (5, 1));
    // Now it takes twice as long.
    sleep(Limits::default().penalty).await;
    assert!(is_closed(&mut from(&server, "10.0.0.1:1").await).await);
    assert_eq!(counted(&server), (5, 2));
}
