//! Ruby calls, and is called back.

use drb::{
    Client, Server, ServerBuilder,
    tls::{ClientTls, ServerTls, Trust},
};
use drb_tests::{SOON, certificates::Certificates, desk::Desk, ruby_script};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

type Told = Arc<Mutex<Vec<String>>>;

async fn start(builder: ServerBuilder, tls: ServerTls) -> (Server, Told) {
    let told = Told::default();
    let server = builder
        .front(Desk::default())
        .tls(tls)
        .on_refusal({
            let told = Arc::clone(&told);
            move |refusal| {
                let problem = refusal.tls.map(ToString::to_string);
                told.lock().unwrap().extend(problem);
            }
        })
        .start("drbssl://localhost:0")
        .await
        .unwrap();
    (server, told)
}

/// What a Ruby client prints.
async fn ask(uri: &str, certificates: &Certificates, arguments: &[&str]) -> Vec<String> {
    let mut all = vec![uri, certificates.folder()];
    all.extend(arguments);
    let printed = ruby_script("tls_client.rb", &all, SOON).await;
    printed.lines().map(str::to_owned).collect()
}

const ALL: [&str; 6] = ["echo", "large", "counter", "call", "each", "break"];
const DONE: [&str; 6] = ["\"tea\"", "200000", "[true, 1, 2]", "1", "45", "3"];

#[tokio::test]
async fn both_sides_have_certificates_of_one_authority() {
    let certificates = Certificates::new();
    let tls = ServerTls::new(certificates.certificate("server"));
    for (require, versions) in [(true, 13), (true, 12), (false, 13)] {
        let tls = match require {
            true => tls.clone().require_clients(certificates.trust("ca")),
            false => tls.clone().ask_clients(certificates.trust("ca")),
        };
        let tls = if versions == 12 { tls.tls12_only() } else { tls.tls13_only() };
        // What calls back needs nothing but that: it trusts whom it lets in.
        let (server, told) = start(Server::builder(), tls).await;
        let mut words = vec!["ca=ca", "own=client", "who"];
        words.extend(ALL);
        let printed = ask(server.uri(), &certificates, &words).await;
        assert_eq!(printed[0], r#"["client.example", "localhost", "ruby"]"#);
        assert_eq!(printed[1..], DONE);
        assert_eq!(told.lock().unwrap()[..], [""; 0]);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_where_none_is_required() {
    let certificates = Certificates::new();
    let tls = ServerTls::new(certificates.certificate("server"));
    let (server, _) = start(Server::builder(), tls.clone()).await;
    let words = ["ca=ca", "who", "echo", "large", "counter"];
    let printed = ask(server.uri(), &certificates, &words).await;
    assert_eq!(printed, ["[]", DONE[0], DONE[1], DONE[2]]);
    let (server, _) = start(Server::builder(), tls.ask_clients(certificates.trust("ca"))).await;
    assert_eq!(ask(server.uri(), &certificates, &["who"]).await, ["[]"]);
}

/// Ruby's own certificate is of no version of X.509, and has no names but a common one.
#[tokio::test]
async fn a_certificate_that_ruby_makes_itself_is_taken_where_anyone_is() {
    let certificates = Certificates::new();
    let client = Client::builder().tls(ClientTls::new(Trust::dangerously_anyone())).build();
    let tls = ServerTls::new(certificates.certificate("server"));
    for tls in [tls.clone().tls12_only(), tls.tls13_only()] {
        let tls = tls.require_clients(Trust::dangerously_anyone());
        let (server, _) = start(Server::builder().client(client.clone()), tls).await;
        let mut words = vec!["own=made", "who"];
        words.extend(ALL);
        let printed = ask(server.uri(), &certificates, &words).await;
        // Whatever it says that its name is.
        assert_eq!(printed[0], "[]");
        assert_eq!(printed[1..], DONE);
    }
}

/// How it is told, on both sides, and how soon.
async fn refused(
    tls: ServerTls,
    certificates: &Certificates,
    options: &[&str],
    ruby_is_told: &str,
    server_is_told: &str,
) {
    let (server, told) = start(Server::builder(), tls).await;
    let mut words = options.to_vec();
    words.push("echo");
    let printed = ask(server.uri(), certificates, &words).await;
    assert!(printed[0].contains(ruby_is_told), "{printed:?}");
    let told = told.lock().unwrap().clone();
    assert!(told.len() == 1 && told[0].contains(server_is_told), "{told:?}");
    let good = ["ca=ca", "own=client", "echo"];
    if !options.contains(&"ca=other") && ruby_is_told != "certificate has expired" {
        assert_eq!(ask(server.uri(), certificates, &good).await, ["\"tea\""], "it goes on");
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let certificates = Certificates::new();
    let own = |name| ServerTls::new(certificates.certificate(name));
    let requiring = || own("server").require_clients(certificates.trust("ca"));
    let none = "the peer has shown no certificate, and this side requires one";
    for (tls, options, ruby_is_told, server_is_told) in [
        (requiring(), &["ca=ca"][..], "alert certificate required", none),
        (requiring().tls12_only(), &["ca=ca"], "alert", none),
        (requiring(), &["own=stranger"], "unknown ca", "no authority that this side trusts"),
        (requiring(), &["own=expired"], "certificate expired", "has expired"),
        (requiring(), &["own=made"], "alert", "cannot be used"),
        (own("server"), &["ca=other"], "certificate verify failed", "doesn't trust"),
        (own("expired"), &["ca=ca"], "certificate has expired", "this side has expired"),
    ] {
        refused(tls, &certificates, options, ruby_is_told, server_is_told).await;
    }
}

#[tokio::test]
async fn ruby_without_tls_where_there_is_nothing_else_and_the_other_way_round() {
    let certificates = Certificates::new();
    let tls = ServerTls::new(certificates.certificate("server"));
    let (server, told) = start(Server::builder(), tls).await;
    let began = Instant::now();
    let plain = server.uri().replace("drbssl:", "druby:");
    let printed = ask(&plain, &certificates, &["echo"]).await;
    assert_eq!(
        printed,
        ["this server speaks nothing but TLS: write drbssl:// in place of druby://"]
    );
    assert!(told.lock().unwrap()[0].contains("speaks no TLS"));
    let server = drb::start_service("druby://localhost:0", Desk::default()).await.unwrap();
    let printed = ask(&server.uri().replace("druby:", "drbssl:"), &certificates, &["echo"]).await;
    assert!(printed[0].contains("wrong version number"), "{printed:?}");
    assert_eq!(ask(server.uri(), &certificates, &["echo"]).await, ["\"tea\""]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
