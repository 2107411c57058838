//! What cannot be started, or is not even tried.

use crate::made::*;
use drb::{
    Client, Error, Server,
    tls::{Certificate, ServerTls, TlsConfigError, Trust},
};

#[tokio::test]
async fn a_server_with_tls_has_a_certificate_and_says_so_in_its_uri() {
    for (uri, tls, problem) in [
        ("drbssl://localhost:0", None, "needs a certificate"),
        ("drbs://localhost:0", None, "needs a certificate"),
        ("druby://localhost:0", Some(requiring_clients()), "starts at drbssl://"),
        ("drbunix:", Some(requiring_clients()), "starts at drbssl://"),
    ] {
        let mut builder = Server::builder().front(Desk);
        if let Some(tls) = tls {
            builder = builder.tls(tls);
        }
        let error = builder.start(uri).await.unwrap_err();
        assert!(matches!(error, Error::BadUri { .. }), "{uri}: {error:?}");
        assert!(error.to_string().contains(problem), "{uri}: {error}");
    }
}

#[tokio::test]
async fn a_client_is_told_whom_to_trust() {
    for uri in ["drbssl://localhost:1", "drbs://localhost:1"] {
        let error = error_of(&Client::new(), uri).await;
        assert!(error.to_string().contains("whom to trust"), "{error}");
    }
}

#[tokio::test]
async fn only_certificates_that_are_required_and_checked_keep_strangers_out() {
    let certificate = server_certificate;
    for (tls, starts) in [
        (ServerTls::new(certificate()), false),
        (ServerTls::new(certificate()).ask_clients(CA.trust()), false),
        (ServerTls::new(certificate()).require_clients(Trust::dangerously_anyone()), false),
        (requiring_clients(), true),
        (ServerTls::new(certificate()).require_clients(Trust::only([[0; 32]])), true),
    ] {
        let started = Server::builder().front(Desk).tls(tls).start("drbs://0.0.0.0:0").await;
        match started {
            Ok(server) if starts => server.stop(),
            Err(Error::Exposed { .. }) if !starts => {}
            other => panic!("{starts}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn references_carry_the_address_that_the_peer_has_connected_to() {
    let builder = Server::builder().front(Desk).tls(requiring_clients());
    let server = builder.start("drbssl://:0").await.unwrap();
    let port = server.uri().rsplit_once(':').unwrap().1.to_owned();
    let tls = drb::tls::ClientTls::new(CA.trust()).certificate(client_certificate());
    let client = client_with(tls.server_name("localhost"));
    let desk: DeskProxy = client.connect(&format!("drbssl://127.0.0.1:{port}")).await.unwrap();
    let counter = desk.counter().await.unwrap();
    let uri = drb::Proxy::remote(&counter).reference().uri().unwrap().to_owned();
    assert_eq!(uri, format!("drbssl://127.0.0.1:{port}"));
}

#[test]
fn what_is_no_certificate_says_so() {
    let made = drb::dev_certificates([""; 0]).unwrap();
    let cases = [
        Certificate::from_pem("", &made.server_key).map(drop),
        Certificate::from_pem(&made.server, "").map(drop),
        Certificate::from_pem(&made.server, &made.client_key).map(drop),
        Certificate::from_pem_files("/no/such/file", "/no/such/file").map(drop),
        Certificate::from_der(vec![vec![1, 2, 3]], vec![4, 5, 6]).map(drop),
        Trust::pem("").map(drop),
        Trust::der([vec![1, 2, 3]]).map(drop),
        Trust::pem_folder("/no/such/folder").map(drop),
    ];
    let kinds: Vec<&str> = cases
        .iter()
        .map(|case| match case {
            Err(TlsConfigError::NoCertificate) => "none",
            Err(TlsConfigError::Pem(_)) => "pem",
            Err(TlsConfigError::Key(_)) => "key",
            Err(TlsConfigError::Read { .. }) => "read",
            Err(TlsConfigError::Authority(_)) => "authority",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["none", "pem", "key", "read", "key", "none", "authority", "read"]);
}
