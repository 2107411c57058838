//! Who is not let in is told why, at once, and so is the server, which goes on.

use crate::made::*;
use drb::{
    Client, Error, TlsProblem,
    tls::{Certificate, ClientTls, ServerTls},
};

/// Both wires, and both versions: what a client is told, and what the server is told of it.
async fn refused(
    server_tls: ServerTls,
    client_tls: ClientTls,
    client_is_told: impl Fn(&TlsProblem) -> bool,
    server_is_told: &str,
) {
    for client_tls in [client_tls.clone(), client_tls.tls12_only()] {
        let (server, refused) = start(server_tls.clone()).await;
        let client = client_with(client_tls);
        for (round, uri) in both(&server).iter().enumerate() {
            let error = error_of(&client, uri).await;
            let problem = match &error {
                Error::Tls { problem, .. } => problem,
                other => panic!("{uri}: {other:?}"),
            };
            assert!(client_is_told(problem), "{uri}: {problem:?}: {problem}");
            assert_eq!(error.outcome(), drb::Outcome::NotExecuted);
            let told = refused.one().await;
            assert!(told.contains(server_is_told), "{uri}: {told}");
            assert_eq!(server.counters().failed_handshakes, round as u64 + 1);
        }
    }
}

fn own(certificate: Certificate) -> ServerTls {
    ServerTls::new(certificate)
}

fn asking() -> ClientTls {
    ClientTls::new(CA.trust())
}

fn is(problem: TlsProblem) -> impl Fn(&TlsProblem) -> bool {
    move |found| *found == problem
}

fn alert(number: u8) -> impl Fn(&TlsProblem) -> bool {
    is(TlsProblem::Refused { alert: number })
}

#[tokio::test]
async fn a_server_of_another_authority() {
    let server = own(Authority::new().issue("server", &["localhost"]));
    let told = "doesn't trust the authority that has issued the certificate of this side";
    refused(server, asking(), is(TlsProblem::UnknownIssuer), told).await;
}

#[tokio::test]
async fn an_authority_that_was_made_once_more_with_the_same_name() {
    let trust = Authority::named("mine").trust();
    let server = own(Authority::named("mine").issue("server", &["localhost"]));
    let bad = |found: &TlsProblem| {
        matches!(found, TlsProblem::BadCertificate { .. })
            && found.to_string().contains("another key")
    };
    refused(server, ClientTls::new(trust), bad, "the authority of its certificate").await;
}

#[tokio::test]
async fn a_server_whose_certificate_has_expired() {
    let server = own(CA.expired("server", &["localhost"]));
    let told = "the certificate of this side has expired";
    refused(server, asking(), is(TlsProblem::Expired), told).await;
}

#[tokio::test]
async fn a_server_whose_certificate_is_of_tomorrow() {
    let server = own(CA.of_tomorrow("server", &["localhost"]));
    let told = "the certificate of this side has expired";
    refused(server, asking(), is(TlsProblem::NotYetValid), told).await;
}

#[tokio::test]
async fn a_server_of_another_name() {
    let server = own(CA.issue("localhost", &["shop.example"]));
    let wrong = |found: &TlsProblem| {
        let TlsProblem::WrongName { expected, presented } = found else { return false };
        expected == "localhost" && presented.iter().any(|name| name.contains("shop.example"))
    };
    let told = "cannot use the certificate of this side";
    refused(server.clone(), asking(), wrong, told).await;
    // The words to say otherwise.
    let (server, _) = start(server).await;
    for tls in [asking().server_name("shop.example"), asking().dangerously_any_name()] {
        for uri in both(&server) {
            let desk: DeskProxy = client_with(tls.clone()).connect(&uri).await.unwrap();
            assert_eq!(desk.echo([1]).await.unwrap(), [1]);
        }
    }
    let (server, _) = start(own(Authority::new().issue("server", &["localhost"]))).await;
    let error = error_of(&client_with(asking().dangerously_any_name()), server.uri()).await;
    assert!(matches!(error, Error::Tls { problem: TlsProblem::UnknownIssuer, .. }), "{error}");
}

#[tokio::test]
async fn a_client_without_a_certificate() {
    // TLS 1.2 has no alert of its own for it.
    let told = |found: &TlsProblem| *found == TlsProblem::CertificateRequired || alert(40)(found);
    let server_is_told = "the peer has shown no certificate, and this side requires one";
    refused(requiring_clients(), asking(), told, server_is_told).await;
}

#[tokio::test]
async fn a_client_of_another_authority() {
    let client = asking().certificate(Authority::new().issue("ruby", &["client.example"]));
    let told = "from no authority that this side trusts";
    refused(requiring_clients(), client.clone(), alert(48), told).await;
    // Nor where none is required: who shows one has to show one that is trusted.
    let server = own(server_certificate()).ask_clients(CA.trust());
    refused(server, client, alert(48), told).await;
}

#[tokio::test]
async fn a_client_whose_certificate_has_expired() {
    let client = asking().certificate(CA.expired("ruby", &["client.example"]));
    refused(requiring_clients(), client, alert(45), "certificate has expired").await;
}

#[tokio::test]
async fn no_version_in_common() {
    let server = own(server_certificate()).tls13_only();
    let (server, refused) = start(server).await;
    for uri in both(&server) {
        let error = error_of(&client_with(asking().tls12_only()), &uri).await;
        let problem = TlsProblem::NothingInCommon;
        assert!(
            matches!(&error, Error::Tls { problem: found, .. } if *found == problem),
            "{error}"
        );
        assert!(refused.one().await.contains("no version of TLS"));
    }
}

#[tokio::test]
async fn a_client_without_tls_at_a_port_with_it() {
    let (server, refused) = start(requiring_clients()).await;
    let plain = server.native_uri().replace("drbs:", "drb:");
    let error = error_of(&Client::new(), &plain).await;
    assert!(matches!(error, Error::Tls { problem: TlsProblem::OnlyTls, .. }), "{error:?}");
    assert!(refused.one().await.contains("the peer speaks no TLS"));
    let plain = server.uri().replace("drbssl:", "druby:");
    let error = error_of(&Client::new(), &plain).await;
    assert!(error.to_string().contains("write drbssl:// in place of druby://"), "{error:?}");
    assert_eq!(error.outcome(), drb::Outcome::NotExecuted, "{error:?}");
    assert!(refused.one().await.contains("the peer speaks no TLS"));
    let desk: DeskProxy = client_as(client_certificate()).connect(server.uri()).await.unwrap();
    assert_eq!(desk.echo([1]).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_client_with_tls_at_a_port_without_it() {
    let server = drb::start_service("druby://localhost:0", Desk).await.unwrap();
    for uri in
        [server.uri().replace("druby:", "drbssl:"), server.native_uri().replace("drb:", "drbs:")]
    {
        let error = error_of(&client(), &uri).await;
        assert!(matches!(error, Error::Tls { problem: TlsProblem::NotTls, .. }), "{error:?}");
    }
    assert_eq!(server.counters().failed_handshakes, 2);
    let desk = DeskProxy::connect(server.uri()).await.unwrap();
    assert_eq!(desk.echo([1]).await.unwrap(), [1]);
}
