//! TLS: `drbssl://` for Ruby's wire, `drbs://` for the native one (feature `tls`).
//!
//! A server is given a [`ServerTls`] and a client a [`ClientTls`]. Which of the two is on which end is all
//! that matters: references and callbacks find their way as ever.
//!
//! ```no_run
//! use drb::tls::{Certificate, ClientTls, ServerTls, Trust};
//! # async fn example(front: impl drb::IntoFront) -> Result<(), Box<dyn std::error::Error>> {
//! let certificate = Certificate::from_pem_files("server.pem", "server.key")?;
//! let server = drb::Server::builder()
//!     .front(front)
//!     .tls(ServerTls::new(certificate).require_clients(Trust::pem_file("ca.pem")?))
//!     .start("drbs://:9000") // strangers have no certificate: it needs no ACL
//!     .await?;
//!
//! let certificate = Certificate::from_pem_files("client.pem", "client.key")?;
//! let tls = ClientTls::new(Trust::pem_file("ca.pem")?).certificate(certificate);
//! let client = drb::Client::builder().tls(tls).build();
//! let front: drb::Object = client.connect("drbs://server.example:9000").await?;
//! # Ok(())
//! # }
//! ```
//!
//! docs/tls.md has what each of Ruby's configuration keys is here, and what each error means.

mod certificate;
mod client;
mod der;
#[cfg(feature = "tls-dev")]
mod dev;
mod problem;
mod server;
mod stream;
mod trust;
mod verify;

pub use certificate::Certificate;
pub use client::ClientTls;
#[cfg(feature = "tls-dev")]
pub use dev::{DevCertificates, dev_certificates};
pub use server::ServerTls;
pub use trust::{Trust, fingerprint};

pub(crate) use client::Connecting;
pub(crate) use server::Accepting;

use rustls::{SupportedProtocolVersion, crypto::CryptoProvider, version};
use std::sync::{Arc, LazyLock};

/// Why a certificate, a key or a list of authorities cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A file or folder cannot be read, or written.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: std::path::PathBuf,
        /// What the system says.
        source: Arc<std::io::Error>,
    },
    /// The text is no PEM of what is wanted.
    #[error("{0}")]
    Pem(String),
    /// There is no certificate in it.
    #[error(
        "there is no certificate in it; PEM has them between BEGIN CERTIFICATE and END CERTIFICATE"
    )]
    NoCertificate,
    /// The key cannot be used, or is not that of the certificate.
    #[error("the private key cannot be used with the certificate: {0}")]
    Key(String),
    /// One of the authorities' certificates cannot be used.
    #[error("the certificate of an authority cannot be used: {0}")]
    Authority(String),
    /// The system has no certificates of authorities.
    #[error("the system's certificates of authorities cannot be read: {0}")]
    System(String),
}

/// What to say where the feature is off.
pub(crate) const OFF: &str = "TLS needs the feature `tls` of the crate drb";

/// The cryptography, of one kind for the whole process.
fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    &PROVIDER
}

/// The versions that a side speaks.
#[derive(Debug, Clone, Copy, Default)]
enum Versions {
    #[default]
    All,
    Tls12,
    Tls13,
}

impl Versions {
    fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        const TLS12: &[&SupportedProtocolVersion] = &[&version::TLS12];
        const TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];
        match self {
            Self::All => rustls::ALL_VERSIONS,
            Self::Tls12 => TLS12,
            Self::Tls13 => TLS13,
        }
    }
}
