//! Whom we trust, and what is refused: each with a clear error, at once.

use crate::{builder, session};
use drb::{
    Address, Client, Object,
    ssh::{Error, Refusal, Session},
};
use drb_tests::{SOON, far::FarHost};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Instant, timeout},
};

fn tcp(port: u16) -> Address {
    Address::Tcp { host: "localhost".to_owned(), port }
}

async fn refused(session: &Session, to: Address) -> Error {
    timeout(SOON, session.open(to)).await.expect("at once").unwrap_err()
}

#[tokio::test]
async fn a_host_is_known_or_not() {
    let far = FarHost::new().await;
    let trusted = far.path("known_hosts");
    // Unknown: the error has the line, and with the line it goes.
    std::fs::write(&trusted, "").unwrap();
    let unknown = builder(&far).connect(&far.address()).await.unwrap_err();
    let Error::UnknownHost { fingerprint, path, add, .. } = &unknown else { panic!("{unknown}") };
    assert_eq!(path, &trusted);
    let shown = Command::new("ssh-keygen").arg("-lf").arg(far.path("host")).output().await.unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains(fingerprint), "{fingerprint}");
    std::fs::write(&trusted, format!("{add}\n")).unwrap();
    session(&far).await;
    // As OpenSSH hashes it.
    let hashing =
        Command::new("ssh-keygen").args(["-H", "-f"]).arg(&trusted).output().await.unwrap();
    assert!(hashing.status.success());
    assert!(std::fs::read_to_string(&trusted).unwrap().starts_with("|1|"));
    session(&far).await;
    // Another key than before.
    far.know_as(&std::fs::read_to_string(far.path("other.pub")).unwrap());
    let changed = builder(&far).connect(&far.address()).await.unwrap_err();
    assert!(matches!(changed, Error::HostKeyChanged { line: 1, .. }), "{changed}");
    // Whoever wants that takes any.
    let any = Session::builder().key_file(far.path("id")).dangerously_accept_any_host();
    any.connect(&far.address()).await.unwrap();
    let unread = builder(&far).known_hosts(far.path("")).connect(&far.address()).await.unwrap_err();
    assert!(matches!(unread, Error::KnownHosts { .. }), "{unread}");
}

#[tokio::test]
async fn a_host_is_asked_for_the_key_that_is_known() {
    let far = FarHost::with(&format!("HostKey {}", "/nonexistent")).await;
    let ecdsa = far.path("ecdsa");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(&ecdsa);
    assert!(keygen.status().await.unwrap().success());
    let config = std::fs::read_to_string(far.path("sshd_config")).unwrap();
    let config = config.replace("/nonexistent", &ecdsa.display().to_string());
    std::fs::write(far.path("sshd_config"), config).unwrap();
    // The host has both. Asked for what we like best, it would show the one that we don't know.
    far.know_as(&std::fs::read_to_string(far.path("ecdsa.pub")).unwrap());
    session(&far).await;
}

#[tokio::test]
async fn what_the_server_doesnt_forward() {
    let far = FarHost::with("AllowTcpForwarding no\nAllowStreamLocalForwarding no").await;
    let session = session(&far).await;
    let error = refused(&session, tcp(9000)).await;
    assert!(matches!(error, Error::Refused { problem: Refusal::NotAllowed, .. }), "{error:?}");
    // OpenSSH doesn't tell whether it isn't allowed or nobody is there.
    let error = refused(&session, Address::Unix { path: "/run/socket".into() }).await;
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("AllowStreamLocalForwarding"), "{error}");
    for place in ["localhost:0", "/run/socket"] {
        let error = timeout(SOON, session.listen(place)).await.unwrap().unwrap_err();
        assert!(matches!(error, Error::ListenRefused { .. }), "{error:?}");
    }
    // Calls say the same.
    let client = Client::builder().through(&session).build();
    for uri in ["drb://localhost:9000", "druby://localhost:9000"] {
        let error = client.connect::<Object>(uri).await.unwrap_err();
        assert!(matches!(error, drb::Error::Connect { .. }), "{error:?}");
        let Some(Error::Refused { to, .. }) = Error::of(&error) else { panic!("{error:?}") };
        assert_eq!(to, "localhost:9000");
    }
    assert!(!session.is_closed(), "a refusal is no end");
}

#[tokio::test]
async fn where_nobody_is() {
    let far = FarHost::new().await;
    let session = session(&far).await;
    let error = refused(&session, tcp(9)).await;
    assert!(matches!(error, Error::Refused { problem: Refusal::Unreachable, .. }), "{error:?}");
    // A port that is taken over there.
    let listener = session.listen("127.0.0.1:9001").await.unwrap();
    let error = session.listen("127.0.0.1:9001").await.unwrap_err();
    assert!(matches!(error, Error::ListenRefused { .. }), "{error:?}");
    drop(listener);
    timeout(SOON, async {
        while session.listen("127.0.0.1:9001").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a listener that is dropped gives its port back");
    session.close().await;
    assert!(matches!(refused(&session, tcp(9)).await, Error::Closed));
}

#[tokio::test]
async fn what_is_no_ssh_server() {
    let fresh = || Session::builder().dangerously_accept_any_host().password("x");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = free.local_addr().unwrap().to_string();
    // It says nothing.
    let begun = Instant::now();
    let short = fresh().timeout(Duration::from_millis(300));
    let silent = short.connect(&to).await.unwrap_err();
    assert!(matches!(&silent, Error::TimedOut { during, .. } if during.contains("handshake")));
    assert!(begun.elapsed() < Duration::from_secs(5));
    // And nothing is left of the attempt.
    let (mut stream, _) = free.accept().await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is closed").unwrap();
    // It says something else.
    let answering = tokio::spawn(async move {
        let (mut stream, _) = free.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        drop(stream);
        drop(free);
    });
    let strange = timeout(SOON, fresh().connect(&to)).await.unwrap().unwrap_err();
    assert!(matches!(strange, Error::Lost { .. }), "{strange:?}");
    answering.await.unwrap();
    let nobody = fresh().connect(&to).await.unwrap_err();
    assert!(matches!(nobody, Error::Connect { .. }), "{nobody:?}");
    for place in ["", "@host", "user@", "host:port", "host:70000", "[::1"] {
        let error = fresh().connect(place).await.unwrap_err();
        assert!(matches!(error, Error::BadPlace { .. }), "{place}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed() {
    let far = FarHost::new().await;
    // A relay that can stop passing anything on.
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = relay.local_addr().unwrap();
    let to = far.address();
    let relaying = tokio::spawn(async move {
        let (mut near, _) = relay.accept().await.unwrap();
        let mut far = TcpStream::connect(to).await.unwrap();
        let carrying = tokio::io::copy_bidirectional(&mut near, &mut far);
        let _ = timeout(Duration::from_secs(2), carrying).await;
        // Both stay open.
        std::future::pending::<()>().await;
        drop((near, far));
    });
    let session = Session::builder()
        .key_file(far.path("id"))
        .dangerously_accept_any_host()
        .keepalive(Duration::from_millis(500))
        .connect(&at.to_string())
        .await
        .unwrap();
    let reason = timeout(SOON, session.closed()).await.expect("it is noticed");
    assert!(matches!(&reason, Error::Lost { problem } if problem.contains("no longer answers")));
    relaying.abort();
}
