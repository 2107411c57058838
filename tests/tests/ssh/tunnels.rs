//! Ruby's wire, which needs a way back: callbacks come through a port on the other side.

use crate::{journal, session};
use drb::{Client, Server, ssh::Tunnel};
use drb_tests::{
    Program, SOON,
    far::FarHost,
    talk::{Listener, TalkerProxy},
};
use std::{process::Stdio, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// A port that is free on this side. (On the other side all are.)
async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn rust_calls_ruby_and_is_called_back_without_a_port_of_its_own() {
    let far = FarHost::new().await;
    let journal = journal(&far);
    let path = journal.path().display().to_string();
    let _ruby = far.ruby("talk.rb", &["druby://localhost:9000", &path]).await;
    let session = session(&far).await;
    let listener = session.listen("localhost:0").await.unwrap();
    let server = Server::builder().start_without_listener(&listener.uri()).unwrap();
    let _back = listener.serve(&server);
    let client = Client::builder().through(&session).build();
    let talker: TalkerProxy = client.connect("druby://localhost:9000").await.unwrap();
    let listener = Listener::new(&journal);
    let said = server.as_current(|| talker.talk_to(listener, "x".repeat(1 << 20), "", 1 << 20));
    assert_eq!(said.await.unwrap().len(), 1 << 20);
    let mut numbers = Vec::new();
    let said = server.as_current(|| {
        talker.talk_to_block("", "", 7, |number| {
            numbers.push(number);
            number
        })
    });
    assert_eq!(said.await.unwrap().len(), 7);
    assert_eq!(numbers, [1, 2]);
    let heard = journal.lines().into_iter().filter(|line| line.starts_with("heard")).count();
    assert_eq!(heard, 2);
    assert_eq!(far.connections(), 1);
}

/// Plain programs on both sides, which know nothing of SSH: each calls the other one, and is called back.
/// `dig` digs the tunnel: the first port leads there, the second one back.
async fn both_ways<T>(far: &FarHost, dig: impl AsyncFn(u16, u16) -> T) {
    let (there, back) = (free_port().await, free_port().await);
    let journal = journal(far);
    let path = journal.path().display().to_string();
    let (far_uri, near_uri) =
        (format!("druby://localhost:{there}"), format!("druby://localhost:{back}"));
    // Ruby is near, and Rust is far, then the other way round.
    for far_is_ruby in [false, true] {
        let far_side = match far_is_ruby {
            true => far.ruby("talk.rb", &[&far_uri, &path]).await,
            false => far.peer("talk", &[&far_uri, &path, "60000"]).await,
        };
        let near_side = match far_is_ruby {
            true => drb_tests::Server::peer("talk", &[&near_uri, &path, "60000"]).await,
            false => drb_tests::Server::ruby("talk.rb", &[&near_uri, &path]).await,
        };
        let _tunnel = dig(there, back).await;
        // The test only says who is to call whom.
        let near: TalkerProxy = Client::new().connect(&near_uri).await.unwrap();
        let callee: TalkerProxy = Client::new().connect(&far_uri).await.unwrap();
        for how in ["listener", "block"] {
            let said = near.converse(&callee, how, "", 1 << 20, 1 << 20).await.unwrap();
            assert_eq!(said, format!("done {}", 1 << 20), "{how}");
        }
        // The other way round: the near one is called through the port that leads back.
        for how in ["listener", "block"] {
            let said = callee.converse(&near, how, "", 9, 0).await.unwrap();
            assert_eq!(said, "done 9", "{how}");
        }
        near_side.kill().await;
        far_side.kill().await;
    }
    let heard = journal.lines().into_iter().filter(|line| line.starts_with("heard")).count();
    assert_eq!(heard, 16);
}

#[tokio::test]
async fn plain_programs_through_tunnels() {
    let far = FarHost::new().await;
    let session = session(&far).await;
    both_ways(&far, async |there, back| {
        let (there, back) = (format!("localhost:{there}"), format!("localhost:{back}"));
        (
            Tunnel::local(&session, &there, &there).await.unwrap(),
            Tunnel::remote(&session, &back, &back).await.unwrap(),
        )
    })
    .await;
}

#[tokio::test]
async fn plain_programs_through_the_command_ssh() {
    let far = FarHost::new().await;
    both_ways(&far, async |there, back| ssh(&far, there, back).await).await;
}

/// As in docs/ssh.md.
async fn ssh(far: &FarHost, there: u16, back: u16) -> Child {
    let mut command = Command::new("ssh");
    command.args(["-N", "-F", "none", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"]);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", far.path("known_hosts").display()));
    command.arg("-L").arg(format!("{there}:localhost:{there}"));
    command.arg("-R").arg(format!("{back}:localhost:{back}"));
    command.arg("-i").arg(far.path("id")).arg("-p").arg(far.port().to_string()).arg("127.0.0.1");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().unwrap();
    let connected = async {
        while TcpStream::connect(("localhost", there)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, connected).await.expect("ssh listens");
    child
}

#[tokio::test]
async fn a_tunnel_that_ends_and_one_that_leads_nowhere() {
    use tokio::io::AsyncReadExt;
    let far = FarHost::new().await;
    let session = session(&far).await;
    let tunnel = Tunnel::local(&session, "127.0.0.1:0", "localhost:9").await.unwrap();
    let at = tunnel.uri().strip_prefix("druby://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&at).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await;
    let _ = ended.expect("whoever uses it is told at once");
    let failure = tunnel.failure().unwrap();
    assert!(matches!(failure, drb::ssh::Error::Refused { .. }), "{failure:?}");
    tunnel.close().await;
    assert!(TcpStream::connect(&at).await.is_err(), "nobody listens any more");
    // With the session goes the tunnel.
    let tunnel = Tunnel::local(&session, "127.0.0.1:0", "localhost:9").await.unwrap();
    let at = tunnel.uri().strip_prefix("druby://").unwrap().to_owned();
    far.cut();
    let gone = async {
        while TcpStream::connect(&at).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.expect("nobody listens any more");
    assert!(matches!(tunnel.failure(), Some(drb::ssh::Error::Lost { .. })));
}

/// The example and its counterpart in Ruby, each with a server of the other kind and of its own.
#[tokio::test]
async fn the_examples() {
    let far = FarHost::new().await;
    let user = whoami().await;
    let host = format!("{user}@{}", far.address());
    let (key, known) = (far.path("id"), far.path("known_hosts"));
    let files = [key.display().to_string(), known.display().to_string()];
    for far_is_ruby in [false, true] {
        let uri = format!("druby://localhost:{}", free_port().await);
        let server = match far_is_ruby {
            true => far.ruby_example("blocks_server.rb", &uri).await,
            false => far.example("blocks_server", &uri).await,
        };
        let arguments = [&*host, &uri, &files[0], &files[1]];
        let ruby = Program::ruby_example("ssh_tunnel.rb", &arguments).end().await;
        let rust = Program::example("ssh_tunnel", &arguments).await.end().await;
        for printed in [ruby, rust] {
            assert_eq!(printed, ["3 words have 13 letters", "coffee is at 1"]);
        }
        server.kill().await;
    }
}

async fn whoami() -> String {
    let named = Command::new("id").arg("-un").output().await.unwrap();
    String::from_utf8(named.stdout).unwrap().trim().to_owned()
}
