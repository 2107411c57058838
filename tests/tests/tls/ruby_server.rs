//! Ruby is called, and calls back.

use drb::{
    Client, Error, Limits, TlsProblem,
    tls::{ClientTls, ServerTls, Trust},
};
use drb_tests::{
    SOON, Server,
    certificates::Certificates,
    desk::{Counter, CounterProxy, Desk, DeskProxy},
};
use std::{io::ErrorKind, sync::Arc, time::Duration};
use tokio::time::timeout;

async fn start(certificates: &Certificates, options: &[&str]) -> Server {
    let mut arguments = vec!["drbssl://localhost:0", certificates.folder()];
    arguments.extend(options);
    Server::ruby("tls_server.rb", &arguments).await
}

fn client(tls: ClientTls) -> Client {
    Client::builder().tls(tls).build()
}

async fn error_of(tls: ClientTls, uri: &str) -> Error {
    let client = client(tls);
    let call = async {
        let desk: DeskProxy = client.connect(uri).await?;
        desk.echo("tea").await
    };
    timeout(Duration::from_secs(10), call).await.expect("at once").expect_err("it is refused")
}

/// Calls, and is called back through a server of this process with this certificate.
async fn talk(tls: ClientTls, own: ServerTls, uri: &str) {
    let home = drb::Server::builder().front(Desk::default()).tls(own).client(client(tls.clone()));
    let home = home.start("drbssl://localhost:0").await.unwrap();
    let desk: DeskProxy = client(tls).connect(uri).await.unwrap();
    assert_eq!(desk.echo("tea").await.unwrap(), "tea");
    let large = "x".repeat(300_000);
    assert_eq!(desk.echo(&large).await.unwrap(), large);
    let theirs: CounterProxy = desk.counter().await.unwrap();
    assert_eq!((theirs.inc().await.unwrap(), theirs.inc().await.unwrap()), (1, 2));
    let counter = Arc::new(Counter::default());
    let call = || home.as_current(|| desk.call(&counter));
    assert_eq!((call().await.unwrap(), call().await.unwrap()), (1, 2));
    assert_eq!(home.as_current(|| desk.each(10, |number| number)).await.unwrap(), 45);
    assert!(home.drain(SOON).await);
}

#[tokio::test]
async fn both_sides_have_certificates_of_one_authority() {
    let certificates = Certificates::new();
    let own = certificates.certificate("client");
    for verify in ["verify=none", "verify=peer", "verify=require"] {
        let server = start(&certificates, &["own=server", verify]).await;
        let tls = ClientTls::new(certificates.trust("ca")).certificate(own.clone());
        for tls in [tls.clone().tls12_only(), tls.tls13_only()] {
            let home = ServerTls::new(own.clone()).ask_clients(certificates.trust("ca"));
            talk(tls, home, server.uri()).await;
        }
    }
}

/// Its X.509 version is 4, which there is not, and its only name is a common one.
#[tokio::test]
async fn the_certificate_that_ruby_makes_itself_is_trusted_by_its_fingerprint() {
    let certificates = Certificates::new();
    let server = start(&certificates, &["verify=none"]).await;
    let own = || ServerTls::new(certificates.certificate("client"));
    // No authority has issued it, and rustls cannot even read it.
    let error = error_of(ClientTls::new(certificates.trust("ca")), server.uri()).await;
    assert!(
        matches!(&error, Error::Tls { problem: TlsProblem::BadCertificate { .. }, .. }),
        "{error:?}"
    );
    let error = error_of(ClientTls::new(Trust::only([[0; 32]])), server.uri()).await;
    let Error::Tls { problem: TlsProblem::NotPinned { fingerprint }, .. } = error else {
        panic!("{error:?}")
    };
    for tls in
        [ClientTls::new(Trust::only([fingerprint])), ClientTls::new(Trust::dangerously_anyone())]
    {
        for tls in [tls.clone().tls12_only(), tls.tls13_only()] {
            talk(tls, own(), server.uri()).await;
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_ruby_goes_on() {
    let certificates = Certificates::new();
    let trusting = || ClientTls::new(certificates.trust("ca"));
    for (options, tls, problem) in [
        (&["own=stranger"][..], trusting(), "no authority that this side trusts"),
        (&["own=expired"], trusting(), "has expired"),
        (&["own=elsewhere"], trusting(), "not for `localhost` but for"),
        (&["own=server", "verify=require"], trusting(), "requires a certificate"),
        (&["own=server", "verify=require"], trusting().tls12_only(), "it requires a certificate"),
        (
            &["own=server", "verify=require"],
            trusting().certificate(certificates.certificate("stranger")),
            "doesn't trust the authority",
        ),
        (
            &["own=server", "verify=require"],
            trusting().certificate(certificates.certificate("expired")),
            "has expired",
        ),
    ] {
        let server = start(&certificates, options).await;
        let error = error_of(tls, server.uri()).await;
        assert!(matches!(error, Error::Tls { .. }), "{options:?}: {error:?}");
        assert!(error.to_string().contains(problem), "{options:?}: {error}");
        let good = ClientTls::new(Trust::dangerously_anyone());
        let good = client(good.certificate(certificates.certificate("client")));
        let desk: DeskProxy = good.connect(server.uri()).await.unwrap();
        assert_eq!(desk.echo("tea").await.unwrap(), "tea", "{options:?}");
    }
}

#[tokio::test]
async fn plain_where_ruby_speaks_tls_and_tls_where_it_does_not() {
    let certificates = Certificates::new();
    let server = start(&certificates, &["own=server"]).await;
    let plain = server.uri().replace("drbssl:", "druby:");
    let call = async {
        let desk: DeskProxy = Client::new().connect(&plain).await?;
        desk.echo("tea").await
    };
    // Ruby says nothing, it closes.
    let error = timeout(Duration::from_secs(10), call).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. } | Error::Tls { .. }), "{error:?}");
    // Ruby's plain server waits for a frame of 369 MB that TLS has begun with: only time tells.
    let server = Server::ruby_example("ruby_server.rb").await;
    let limits = Limits { connect: Duration::from_millis(500), ..Limits::default() };
    let tls = ClientTls::new(certificates.trust("ca"));
    let client = Client::builder().limits(limits).tls(tls).build();
    let uri = server.uri().replace("druby:", "drbssl:");
    match client.connect::<DeskProxy>(&uri).await {
        Err(Error::Connect { source, .. }) => assert_eq!(source.kind(), ErrorKind::TimedOut),
        other => panic!("{other:?}"),
    }
}
