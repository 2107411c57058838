//! The same within TLS. A URI of drbfire doesn't say so: the configurations of both sides do.

use crate::*;
use drb::{
    Error, TlsProblem,
    tls::{Certificate, ClientTls, ServerTls, Trust},
};
use std::path::{Path, PathBuf};

fn certificate(folder: &Path, name: &str) -> Certificate {
    let file = |end| folder.join(format!("{name}.{end}"));
    Certificate::from_pem_files(file("pem"), file("key")).unwrap()
}

fn trust(folder: &Path) -> Trust {
    Trust::pem_file(folder.join("ca.pem")).unwrap()
}

/// What the other process lets in.
pub(crate) fn requiring_clients(folder: &Path) -> ServerTls {
    ServerTls::new(certificate(folder, "server")).require_clients(trust(folder))
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("drb-fire-{}-{name}", std::process::id()));
        drb::dev_certificates(["localhost"]).unwrap().write_to(&path).unwrap();
        Self(path)
    }

    fn serve(&self) -> Elsewhere {
        Elsewhere::start_with(self.0.to_str().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn calls_and_calls_back() {
    let folder = Folder::new("calls");
    let server = folder.serve();
    let tls = ClientTls::new(trust(&folder.0)).certificate(certificate(&folder.0, "client"));
    let client = Client::builder().tls(tls).build();
    let back = Server::builder().client(client.clone()).start_behind(&server.uri).await.unwrap();
    let desk: DeskProxy = client.connect(&server.uri).await.unwrap();
    assert_eq!(desk.echo("tea").await.unwrap(), "tea");
    assert_eq!(desk.uri().await.unwrap(), server.uri);
    assert_eq!(desk.each(10, |number| number * 2).await.unwrap(), 90);
    let counter = Arc::new(Counter::default());
    desk.keep(Arc::clone(&counter)).await.unwrap();
    assert_eq!(desk.call_kept().await.unwrap(), 1);
    assert_eq!(desk.call(counter).await.unwrap(), 2);
    assert!((1..=2).contains(&back.counters().connections));
    // The native wire is there within TLS as well.
    let native = server.uri.replace("drbfire:", "drbs:");
    let native: DeskProxy = client.connect(&native).await.unwrap();
    assert!(native.uri().await.unwrap().starts_with("drbssl://"));
}

#[tokio::test]
async fn who_is_not_let_in() {
    let folder = Folder::new("refused");
    let server = folder.serve();
    // Without TLS.
    let error = soon(Server::builder().start_behind(&server.uri)).await.unwrap_err();
    assert_eq!(drb::fire::Error::of(&error), Some(&drb::fire::Error::NoNumber), "{error}");
    let desk = server.desk().await;
    let error = soon(desk.echo("tea")).await.unwrap_err().to_string();
    assert!(error.contains("nothing but TLS"), "{error}");
    // Without a certificate.
    let client = Client::builder().tls(ClientTls::new(trust(&folder.0))).build();
    let starting = Server::builder().client(client).start_behind(&server.uri);
    let error = soon(starting).await.unwrap_err();
    let Error::Tls { problem, .. } = &error else { panic!("{error}") };
    assert_eq!(*problem, TlsProblem::CertificateRequired);
    // TLS where there is none.
    let (plain, _) = start().await;
    let client = Client::builder().tls(ClientTls::new(trust(&folder.0))).build();
    let error = soon(Server::builder().client(client).start_behind(plain.uri())).await.unwrap_err();
    assert!(matches!(error, Error::Tls { problem: TlsProblem::NotTls, .. }), "{error}");
}
