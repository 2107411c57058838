//! Ruby calls, listens nowhere, and is called back.

use drb::{Server, ServerBuilder, tls::ServerTls};
use drb_tests::{SOON, certificates::Certificates, desk::Desk, ruby_script};

async fn start(builder: ServerBuilder) -> Server {
    builder.front(Desk::default()).start("drbfire://localhost:0").await.unwrap()
}

async fn ask(uri: &str, words: &[&str]) -> Vec<String> {
    let mut all = vec![uri];
    all.extend(words);
    let printed = ruby_script("fire_client.rb", &all, SOON).await;
    printed.lines().map(str::to_owned).collect()
}

const WORDS: [&str; 12] = [
    "listening",
    "echo",
    "large",
    "counter",
    "call",
    "keep",
    "kept",
    "each",
    "break",
    "raise",
    "threads",
    "listening",
];

const PRINTED: [&str; 12] = [
    "0",
    "\"tea\"",
    "200000",
    "[true, 1, 2]",
    "[1, 2, 2]",
    "nil",
    "3",
    "90",
    "3",
    "ArgumentError: no tea",
    "[55, 65, 75, 85, 95, 105, 115, 125, 135, 145]",
    "0",
];

#[tokio::test]
async fn calls_objects_and_blocks() {
    let server = start(Server::builder()).await;
    for _ in 0..2 {
        assert_eq!(ask(server.uri(), &WORDS).await, PRINTED);
    }
    // A machine that it doesn't know by that name: references say where the client has connected to.
    let any = Server::builder().allow_everyone().front(Desk::default());
    let any = any.start("drbfire://:0").await.unwrap();
    let (_, port) = any.uri().rsplit_once(':').unwrap();
    assert_eq!(ask(&format!("drbfire://127.0.0.1:{port}"), &WORDS).await, PRINTED);
    assert_eq!((server.counters().refused_fire, any.counters().refused_fire), (0, 0));
}

#[tokio::test]
async fn within_tls() {
    let certificates = Certificates::new();
    let tls = ServerTls::new(certificates.certificate("server"));
    for tls in [tls.clone().require_clients(certificates.trust("ca")), tls] {
        let server = start(Server::builder().tls(tls)).await;
        let folder = format!("folder={}", certificates.folder());
        let mut words = vec![folder.as_str()];
        words.extend(WORDS);
        assert_eq!(ask(server.uri(), &words).await, PRINTED);
        assert_eq!(server.counters().refused_fire, 0);
    }
}
