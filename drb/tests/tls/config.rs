//! What cannot be started, or is not even tried.

use crate::made::*;
use drb::{
    Client, Error, Server,
    tls::{Certificate, ClientTls, ServerTls, TlsConfigError, Trust},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{path::PathBuf, sync::Arc};

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
    let tls = ClientTls::new(CA.trust()).certificate(client_certificate());
    let client = client_with(tls.server_name("localhost"));
    let desk: DeskProxy = client.connect(&format!("drbssl://127.0.0.1:{port}")).await.unwrap();
    let counter = desk.counter().await.unwrap();
    let uri = drb::Proxy::remote(&counter).reference().uri().unwrap().to_owned();
    assert_eq!(uri, format!("drbssl://127.0.0.1:{port}"));
}

/// A run of this program of its own: the variable is the whole process's.
#[tokio::test]
async fn the_system_s_authorities_are_those_that_the_system_says() {
    const FILE: &str = "SSL_CERT_FILE";
    if std::env::var_os("DRB_TESTS_SYSTEM").is_some() {
        let (server, _) = start(ServerTls::new(certificate_of_the_system())).await;
        let tls = ClientTls::new(Trust::system().unwrap());
        let desk: DeskProxy = client_with(tls).connect(server.uri()).await.unwrap();
        assert_eq!(desk.echo([1]).await.unwrap(), [1]);
        let (server, _) = start(ServerTls::new(server_certificate())).await;
        let tls = ClientTls::new(Trust::system().unwrap());
        let error = error_of(&client_with(tls), server.uri()).await;
        assert!(error.to_string().contains("no authority that this side trusts"), "{error}");
        return;
    }
    let folder = folder("system");
    let made = drb::dev_certificates([""; 0]).unwrap();
    made.write_to(&folder).unwrap();
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "config::the_system_s_authorities_are_those_that_the_system_says"]);
    command.env(FILE, folder.join("ca.pem")).env_remove("SSL_CERT_DIR");
    command.env("DRB_TESTS_SYSTEM", &folder);
    // It ends by itself: each of its waits has a bound.
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("drb-{}-tls-{name}", std::process::id()))
}

/// That of the run which has started this one.
fn certificate_of_the_system() -> Certificate {
    let folder = PathBuf::from(std::env::var_os("DRB_TESTS_SYSTEM").unwrap());
    Certificate::from_pem_files(folder.join("server.pem"), folder.join("server.key")).unwrap()
}

#[tokio::test]
async fn authorities_are_those_of_all_files_of_a_folder() {
    let folder = folder("folder");
    std::fs::create_dir_all(folder.join("not a file")).unwrap();
    let other = Authority::new();
    std::fs::write(folder.join("0d1e2f.0"), &CA.pem).unwrap();
    std::fs::write(folder.join("two.pem"), format!("{}{}", other.pem, Authority::new().pem))
        .unwrap();
    std::fs::write(folder.join("README"), "no certificates here").unwrap();
    let trust = Trust::pem_folder(&folder).unwrap();
    for certificate in [server_certificate(), other.issue("server", &["localhost"])] {
        let (server, _) = start(ServerTls::new(certificate)).await;
        let client = client_with(ClientTls::new(trust.clone()));
        let desk: DeskProxy = client.connect(server.uri()).await.unwrap();
        assert_eq!(desk.echo([1]).await.unwrap(), [1]);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_program_s_own_configurations_are_taken_as_they_are() {
    let made = drb::dev_certificates([""; 0]).unwrap();
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let authority = CertificateDer::from_pem_slice(made.ca.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(made.client.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(made.client_key.as_bytes()).unwrap(),
        )
        .unwrap();
    let client = client_with(ClientTls::from_config(Arc::new(client)));
    let tls = ServerTls::new(made.server_certificate().unwrap());
    let (server, _) = start(tls.require_clients(made.trust().unwrap())).await;
    for uri in both(&server) {
        let desk: DeskProxy = client.connect(&uri).await.unwrap();
        assert_eq!(desk.who().await.unwrap().0, ["client", "localhost"]);
    }
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
