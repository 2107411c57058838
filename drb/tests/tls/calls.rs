//! What works over TLS as it does without.

use crate::made::*;
use drb::{
    Client, Server, Wire,
    prelude::*,
    tls::{Certificate, ClientTls, ServerTls, Trust},
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn both_wires_go_over_it() {
    let (server, _) = start(ServerTls::new(server_certificate())).await;
    for (uri, wire) in both(&server).iter().zip(["Ruby", "Native"]) {
        let desk: DeskProxy = client().connect(uri).await.unwrap();
        assert!(desk.wire().await.unwrap().starts_with(&format!("{wire} 127.0.0.1:")));
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
        assert_eq!(desk.echo(&bytes).await.unwrap(), bytes);
        // Again, over a connection that is there.
        for _ in 0..20 {
            assert_eq!(desk.echo([1, 2]).await.unwrap(), [1, 2]);
        }
        assert_eq!(desk.who().await.unwrap(), (Vec::new(), Vec::new()));
    }
}

#[tokio::test]
async fn every_version_that_both_sides_have() {
    for (tls12, tls13) in [(true, false), (false, true)] {
        let certificate = server_certificate();
        let tls = ServerTls::new(certificate).require_clients(CA.trust());
        let tls = if tls13 { tls.tls13_only() } else { tls.tls12_only() };
        let (server, _) = start(tls).await;
        for uri in both(&server) {
            let tls = ClientTls::new(CA.trust()).certificate(client_certificate());
            let tls = if tls12 { tls.tls12_only() } else { tls };
            let desk: DeskProxy = client_with(tls).connect(&uri).await.unwrap();
            assert_eq!(desk.who().await.unwrap().0, ["client.example", "ruby"]);
        }
    }
}

#[tokio::test]
async fn the_method_knows_the_certificate_of_its_caller() {
    let (server, _) = start(requiring_clients()).await;
    for uri in both(&server) {
        let certificate = client_certificate();
        let fingerprint = certificate.fingerprint().to_vec();
        let desk: DeskProxy = client_as(certificate).connect(&uri).await.unwrap();
        let names = vec!["client.example".to_owned(), "ruby".to_owned()];
        assert_eq!(desk.who().await.unwrap(), (names, fingerprint));
    }
    // With none required, one that is shown is known all the same.
    let (server, _) = start(ServerTls::new(server_certificate()).ask_clients(CA.trust())).await;
    for uri in both(&server) {
        let desk: DeskProxy = client_as(client_certificate()).connect(&uri).await.unwrap();
        assert_eq!(desk.who().await.unwrap().0, ["client.example", "ruby"]);
        let desk: DeskProxy = client().connect(&uri).await.unwrap();
        assert_eq!(desk.who().await.unwrap().0, [""; 0]);
    }
}

#[tokio::test]
async fn names_that_nobody_has_checked_are_not_told() {
    let tls = ServerTls::new(server_certificate()).require_clients(Trust::dangerously_anyone());
    let (server, _) = start(tls).await;
    let stranger = Authority::new().issue("root", &["bank.example"]);
    let fingerprint = stranger.fingerprint().to_vec();
    let desk: DeskProxy = client_as(stranger).connect(server.uri()).await.unwrap();
    assert_eq!(desk.who().await.unwrap(), (Vec::new(), fingerprint));
}

#[tokio::test]
async fn the_acl_knows_names_and_fingerprints() {
    let certificate = client_certificate();
    let fingerprint = certificate.fingerprint();
    let hex: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
    for (acl, let_in) in [
        ("deny all  allow tls:client.example".to_owned(), true),
        (format!("deny all  allow sha256:{hex}"), true),
        ("deny all  allow tls:other.example".to_owned(), false),
    ] {
        let builder = Server::builder().acl(acl.parse().unwrap());
        let (server, refused) = start_with(builder, requiring_clients()).await;
        let client = client_as(certificate.clone());
        let call = async {
            let desk: DeskProxy = client.connect(server.uri()).await?;
            desk.echo(vec![1]).await
        };
        assert_eq!(call.await.is_ok(), let_in, "{acl}");
        assert_eq!(refused.take().len(), usize::from(!let_in), "{acl}");
    }
}

#[tokio::test]
async fn callbacks_and_blocks_come_over_the_same_connection_of_the_native_wire() {
    let (server, _) = start(requiring_clients()).await;
    let desk: DeskProxy =
        client_as(client_certificate()).connect(server.native_uri()).await.unwrap();
    let counter = Arc::new(Counter::default());
    assert_eq!(desk.call(&counter).await.unwrap(), 1);
    assert_eq!(desk.call(&counter).await.unwrap(), 2);
    assert_eq!(desk.each(10, |number| 2 * number).await.unwrap(), 90);
    let theirs = desk.counter().await.unwrap();
    assert_eq!(theirs.inc().await.unwrap(), 1);
}

#[tokio::test]
async fn references_on_ruby_s_wire_lead_back_over_tls() {
    let (server, _) = start(requiring_clients()).await;
    let client = client_as(client_certificate());
    let desk: DeskProxy = client.connect(server.uri()).await.unwrap();
    let theirs = desk.counter().await.unwrap();
    let uri = theirs.remote().reference().uri().unwrap().to_owned();
    assert_eq!(uri, server.uri());
    assert_eq!(theirs.inc().await.unwrap(), 1);
    // A block goes through this process's server, which is the same one here: it is called without
    // the network, but by its URI.
    assert_eq!(desk.each(3, |number| number).await.unwrap(), 3);
}

#[tokio::test]
async fn a_connector_s_connections_are_wrapped() {
    let (server, _) = start(ServerTls::new(server_certificate())).await;
    let port: u16 = server.uri().rsplit_once(':').unwrap().1.parse().unwrap();
    for scheme in ["drbssl", "drbs"] {
        let client = Client::builder()
            .connector(move |_| tokio::net::TcpStream::connect(("127.0.0.1", port)))
            .tls(ClientTls::new(CA.trust()).server_name("localhost"))
            .build();
        let uri = format!("{scheme}://shop.example:9000");
        let desk: DeskProxy = client.connect(&uri).await.unwrap();
        assert_eq!(desk.echo([7]).await.unwrap(), [7]);
    }
}

#[tokio::test]
async fn what_a_program_brings_may_have_tls_or_not() {
    let server = Server::builder()
        .front(Desk)
        .tls(ServerTls::new(server_certificate()))
        .start_without_listener("drbs://localhost:1")
        .unwrap();
    for uri in ["drbs://localhost:1", "drb://localhost:1", "druby://localhost:1"] {
        let server = server.clone();
        let client = Client::builder()
            .connector(move |_| {
                let (near, far) = tokio::io::duplex(1000);
                let server = server.clone();
                async move {
                    let peer = drb::Peer::Named("a friend".into());
                    server.serve_stream(far, peer).await.map_err(std::io::Error::other)?;
                    Ok(near)
                }
            })
            .tls(ClientTls::new(CA.trust()))
            .build();
        let desk: DeskProxy = client.connect(uri).await.unwrap();
        let wire = if uri.starts_with("druby") { Wire::Ruby } else { Wire::Native };
        assert_eq!(desk.wire().await.unwrap(), format!("{wire:?} a friend"));
    }
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_server_runs() {
    let certificate = CA.expired("server", &["localhost"]);
    let (server, _) = start(ServerTls::new(certificate.clone())).await;
    for uri in both(&server) {
        let error = error_of(&client(), &uri).await;
        assert!(error.to_string().contains("expired"), "{error}");
    }
    certificate.replace(server_certificate());
    let mut proxies = Vec::new();
    for uri in both(&server) {
        let desk: DeskProxy = client().connect(&uri).await.unwrap();
        assert_eq!(desk.echo([1]).await.unwrap(), [1]);
        proxies.push(desk);
    }
    certificate.replace(Authority::new().issue("server", &["localhost"]));
    for (uri, desk) in both(&server).iter().zip(proxies) {
        let error = error_of(&client(), uri).await;
        assert!(error.to_string().contains("no authority that this side trusts"), "{error}");
        // Connections that are there have nothing to do with it.
        assert_eq!(desk.echo([1]).await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn a_client_s_certificate_is_replaced_as_well() {
    let (server, _) = start(requiring_clients()).await;
    let own = Authority::new().issue("ruby", &["client.example"]);
    let client = client_as(own.clone());
    let uri = server.native_uri();
    assert!(error_of(&client, uri).await.to_string().contains("TLS alert"));
    own.replace(client_certificate());
    let desk: DeskProxy = client.connect(uri).await.unwrap();
    assert_eq!(desk.who().await.unwrap().0, ["client.example", "ruby"]);
}

#[tokio::test]
async fn who_is_trusted_by_fingerprint() {
    let certificate = Authority::new().expired("whatever", &[]);
    let (server, _) = start(ServerTls::new(certificate.clone())).await;
    for tls in [
        ClientTls::new(Trust::only([certificate.fingerprint()])),
        ClientTls::new(Trust::only([certificate.fingerprint()])).tls12_only(),
        ClientTls::new(Trust::dangerously_anyone()),
    ] {
        for uri in both(&server) {
            let desk: DeskProxy = client_with(tls.clone()).connect(&uri).await.unwrap();
            assert_eq!(desk.echo([1]).await.unwrap(), [1]);
        }
    }
    let tls = ClientTls::new(Trust::only([server_certificate().fingerprint()]));
    let error = error_of(&client_with(tls), server.uri()).await;
    let problem = drb::TlsProblem::NotPinned { fingerprint: certificate.fingerprint() };
    assert!(
        matches!(&error, drb::Error::Tls { problem: found, .. } if *found == problem),
        "{error}"
    );
    // The other way round.
    let own = Authority::new().issue("client", &[]);
    let tls = ServerTls::new(server_certificate());
    let (server, refused) = start(tls.require_clients(Trust::only([own.fingerprint()]))).await;
    for uri in both(&server) {
        let desk: DeskProxy = client_as(own.clone()).connect(&uri).await.unwrap();
        assert_eq!(desk.who().await.unwrap().0, ["client"]);
        error_of(&client_as(client_certificate()), &uri).await;
        assert!(refused.one().await.contains("trusted by fingerprint"));
    }
}

#[tokio::test]
async fn a_certificate_without_the_key_is_no_certificate() {
    // Even where anyone is trusted, the handshake's signature is looked at: the certificate is shown by
    // whoever has another key. rustls refuses to pair the two, so a copy of the reader is tricked:
    // the key of one is replaced in a program's own configuration.
    let provider = rustls_provider();
    let (shown, other) = (pem("one"), pem("other"));
    let key = provider.key_provider.load_private_key(other.1).unwrap();
    let pair = rustls::sign::CertifiedKey::new(vec![shown.0], key);
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
    let (server, _) = start(ServerTls::from_config(Arc::new(config))).await;
    for tls in [
        ClientTls::new(Trust::dangerously_anyone()),
        ClientTls::new(Trust::dangerously_anyone()).tls12_only(),
    ] {
        let error = error_of(&client_with(tls), server.uri()).await;
        assert!(error.to_string().contains("cannot be used"), "{error}");
    }
}

fn rustls_provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate, and its key.
fn pem(
    name: &str,
) -> (rustls::pki_types::CertificateDer<'static>, rustls::pki_types::PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.der().clone(), key.serialize_der().try_into().unwrap())
}

#[tokio::test]
async fn certificates_for_a_first_try_work_from_files_on_both_sides() {
    let made = drb::dev_certificates(["shop.example"]).unwrap();
    let folder = std::env::temp_dir().join(format!("drb-{}-dev-certificates", std::process::id()));
    made.write_to(&folder).unwrap();
    made.write_to(&folder).unwrap();
    let load = |name: &str| {
        let file = |kind: &str| folder.join(format!("{name}.{kind}"));
        Certificate::from_pem_files(file("pem"), file("key")).unwrap()
    };
    let trust = Trust::pem_file(folder.join("ca.pem")).unwrap();
    let tls = ServerTls::new(load("server")).require_clients(trust.clone());
    let (server, _) = start(tls).await;
    for name in ["localhost", "shop.example"] {
        let tls = ClientTls::new(trust.clone()).certificate(load("client")).server_name(name);
        let desk: DeskProxy = client_with(tls).connect(server.uri()).await.unwrap();
        assert_eq!(desk.who().await.unwrap().0, ["client", "localhost"]);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_server_that_stops_ends_its_connections() {
    let (server, _) = start(requiring_clients()).await;
    let desk: DeskProxy =
        client_as(client_certificate()).connect(server.native_uri()).await.unwrap();
    assert_eq!(desk.echo([1]).await.unwrap(), [1]);
    assert!(server.drain(Duration::from_secs(5)).await);
    assert!(desk.echo([1]).await.is_err());
}
