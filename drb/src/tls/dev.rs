//! Certificates for a first try.

use super::{Certificate, TlsConfigError, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How long they are valid.
const VALID: Duration = Duration::from_secs(90 * 24 * 3600);

/// Clocks differ.
const BEFORE: Duration = Duration::from_secs(24 * 3600);

/// An authority, and a certificate for a server and one for a client that it has issued, for a first try and
/// for tests. Made by [`dev_certificates`]. All is PEM, which Ruby reads as well.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DevCertificates {
    /// The authority's certificate. Its key is forgotten: it issues no others.
    pub ca: String,
    /// The server's certificate, for the names that it was made for.
    pub server: String,
    /// The server's private key.
    pub server_key: String,
    /// The client's certificate, with the name `client`.
    pub client: String,
    /// The client's private key.
    pub client_key: String,
}

/// Makes an authority and certificates for a server with these names and for a client, valid for 90 days
/// (feature `tls-dev`). `localhost`, `127.0.0.1` and `::1` are among the server's names anyway.
///
/// ```
/// # use drb::prelude::*;
/// # struct Clock;
/// # #[drb::service]
/// # impl Clock {
/// #     pub fn hour(&self) -> u8 { 12 }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use drb::tls::{ClientTls, ServerTls};
///
/// let made = drb::dev_certificates(["shop.example"])?;
/// let tls = ServerTls::new(made.server_certificate()?).require_clients(made.trust()?);
/// let server = drb::Server::builder().front(Clock).tls(tls).start("drbs://localhost:0").await?;
///
/// let tls = ClientTls::new(made.trust()?).certificate(made.client_certificate()?);
/// let clock: ClockProxy = drb::Client::builder().tls(tls).build().connect(server.uri()).await?;
/// assert_eq!(clock.hour().await?, 12);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`TlsConfigError::Key`]: one of the names cannot be in a certificate.
pub fn dev_certificates(
    names: impl IntoIterator<Item = impl Into<String>>,
) -> Result<DevCertificates, TlsConfigError> {
    let mut all = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    all.extend(names.into_iter().map(Into::into));
    make(all).map_err(|error| TlsConfigError::Key(error.to_string()))
}

fn make(names: Vec<String>) -> Result<DevCertificates, rcgen::Error> {
    let mut params = params("drb development CA", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let ca = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    let issue = |name: &str, names, purpose| {
        let mut params = self::params(name, names)?;
        // A server calls back as a client, and a client is called back as a server.
        params.extended_key_usages = purpose;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
    };
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let (server, server_key) = issue("server", names, vec![ServerAuth, ClientAuth])?;
    let local = vec!["client".to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    let (client, client_key) = issue("client", local, vec![ClientAuth, ServerAuth])?;
    Ok(DevCertificates { ca, server, server_key, client, client_key })
}

fn params(name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = (SystemTime::now() - BEFORE).into();
    params.not_after = (SystemTime::now() + VALID).into();
    Ok(params)
}

impl DevCertificates {
    /// Trusts what the authority has issued.
    ///
    /// # Errors
    /// [`TlsConfigError`], if the text was changed.
    pub fn trust(&self) -> Result<Trust, TlsConfigError> {
        Trust::pem(&self.ca)
    }

    /// The server's, with its key.
    ///
    /// # Errors
    /// [`TlsConfigError`], if the text was changed.
    pub fn server_certificate(&self) -> Result<Certificate, TlsConfigError> {
        Certificate::from_pem(&self.server, &self.server_key)
    }

    /// The client's, with its key.
    ///
    /// # Errors
    /// [`TlsConfigError`], if the text was changed.
    pub fn client_certificate(&self) -> Result<Certificate, TlsConfigError> {
        Certificate::from_pem(&self.client, &self.client_key)
    }

    /// Writes `ca.pem`, `server.pem`, `server.key`, `client.pem` and `client.key` into a folder, which is
    /// made if it isn't there, for other processes. Nobody but the owner can read the keys.
    ///
    /// # Errors
    /// [`TlsConfigError::Read`], which is also that a file cannot be written.
    pub fn write_to(&self, folder: impl AsRef<Path>) -> Result<(), TlsConfigError> {
        let folder = folder.as_ref();
        let files = [
            ("ca.pem", &self.ca, 0o644),
            ("server.pem", &self.server, 0o644),
            ("server.key", &self.server_key, 0o600),
            ("client.pem", &self.client, 0o644),
            ("client.key", &self.client_key, 0o600),
        ];
        let write = |path: &Path, text: &str, mode| -> io::Result<()> {
            fs::create_dir_all(folder)?;
            // One that is there may have another mode.
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
            file.write_all(text.as_bytes())
        };
        for (name, text, mode) in files {
            let path = folder.join(name);
            write(&path, text, mode)
                .map_err(|error| TlsConfigError::Read { path, source: Arc::new(error) })?;
        }
        Ok(())
    }
}
