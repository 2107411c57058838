//! Certificates, servers and clients for the tests.

// Not every item is of a module that others can see.
#![allow(unreachable_pub)]

use drb::{
    Client, Context, DrbUndumped, Error, Identity, Server,
    prelude::*,
    tls::{Certificate, ClientTls, ServerTls, Trust},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An authority that issues whatever a test needs.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        Self::named(&format!("authority {}", COUNTER.fetch_add(1, Ordering::SeqCst)))
    }

    pub fn named(name: &str) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn trust(&self) -> Trust {
        Trust::pem(&self.pem).unwrap()
    }

    pub fn issue(&self, name: &str, names: &[&str]) -> Certificate {
        self.issued(params(name, names))
    }

    pub fn expired(&self, name: &str, names: &[&str]) -> Certificate {
        let mut params = params(name, names);
        params.not_before = (SystemTime::now() - 3 * DAY).into();
        params.not_after = (SystemTime::now() - DAY).into();
        self.issued(params)
    }

    pub fn of_tomorrow(&self, name: &str, names: &[&str]) -> Certificate {
        let mut params = params(name, names);
        params.not_before = (SystemTime::now() + DAY).into();
        self.issued(params)
    }

    fn issued(&self, params: CertificateParams) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Certificate::from_pem(pem, key.serialize_pem()).unwrap()
    }
}

fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + 2 * DAY).into();
    params
}

/// The authority that is trusted, if the test doesn't say otherwise.
pub static CA: LazyLock<Authority> = LazyLock::new(Authority::new);

pub fn server_certificate() -> Certificate {
    CA.issue("server", &["localhost"])
}

pub fn client_certificate() -> Certificate {
    CA.issue("ruby", &["client.example"])
}

/// Trusts the authority, and shows nothing.
pub fn client() -> Client {
    client_with(ClientTls::new(CA.trust()))
}

/// Trusts the authority, and shows this.
pub fn client_as(certificate: Certificate) -> Client {
    client_with(ClientTls::new(CA.trust()).certificate(certificate))
}

pub fn client_with(tls: ClientTls) -> Client {
    Client::builder().tls(tls).build()
}

/// What a server has refused, in words.
#[derive(Clone, Default)]
pub struct Refused(Arc<Mutex<Vec<String>>>);

impl Refused {
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Waits until there is one.
    pub async fn one(&self) -> String {
        for _ in 0..500 {
            if let Some(one) = self.take().pop() {
                return one;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server has refused nobody");
    }
}

/// Starts a server at both wires' place, and gives what it refuses.
pub async fn start(tls: ServerTls) -> (Server, Refused) {
    start_with(Server::builder(), tls).await
}

pub async fn start_with(builder: drb::ServerBuilder, tls: ServerTls) -> (Server, Refused) {
    let refused = Refused::default();
    let server = builder
        .front(Desk)
        .tls(tls)
        .on_refusal({
            let refused = refused.clone();
            move |refusal| {
                let said = match (refusal.tls, refusal.limit) {
                    (Some(problem), _) => problem.to_string(),
                    (None, Some(limit)) => limit.to_string(),
                    (None, None) => "the ACL".to_owned(),
                };
                refused.0.lock().unwrap().push(said);
            }
        })
        .start("drbssl://localhost:0")
        .await
        .unwrap();
    assert!(server.uri().starts_with("drbssl://localhost:"), "{}", server.uri());
    assert!(server.native_uri().starts_with("drbs://localhost:"), "{}", server.native_uri());
    (server, refused)
}

pub fn requiring_clients() -> ServerTls {
    ServerTls::new(server_certificate()).require_clients(CA.trust())
}

/// Where a server is reached over each wire.
pub fn both(server: &Server) -> [String; 2] {
    [server.uri().to_owned(), server.native_uri().to_owned()]
}

#[derive(Default, DrbUndumped)]
pub struct Counter(AtomicUsize);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

pub struct Desk;

#[drb::service]
impl Desk {
    pub fn who(&self, #[drb(context)] call: &Context) -> (Vec<String>, Vec<u8>) {
        match call.identity() {
            Identity::Tls(certificate) => {
                (certificate.names().to_vec(), certificate.fingerprint().to_vec())
            }
            _ => (Vec::new(), Vec::new()),
        }
    }

    pub fn wire(&self, #[drb(context)] call: &Context) -> String {
        format!("{:?} {}", call.wire(), call.peer())
    }

    pub fn echo(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub fn counter(&self) -> Counter {
        Counter::default()
    }

    pub async fn call(&self, counter: CounterProxy) -> drb::Result<usize> {
        counter.inc().await
    }

    pub async fn each(&self, count: u32, block: Block<(u32,), u32>) -> drb::Result<u32> {
        let mut sum = 0;
        for number in 0..count {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }
}

/// The error of a client that is not let in, at the latest with its first call, and at once.
pub async fn error_of(client: &Client, uri: &str) -> Error {
    let call = async {
        let desk: DeskProxy = client.connect(uri).await?;
        desk.echo(vec![1]).await
    };
    let called = tokio::time::timeout(Duration::from_secs(5), call).await;
    called.expect("it is told at once").expect_err("it is not let in")
}
