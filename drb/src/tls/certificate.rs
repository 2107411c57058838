//! What a side shows of itself.

use super::{TlsConfigError, provider};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

/// A certificate with those that lead from it to its authority, and its private key: what a server or a
/// client shows of itself. (Ruby: `:SSLCertificate` and `:SSLPrivateKey`.)
///
/// Clones are the same certificate. [`replace`](Self::replace) puts another one in its place while servers
/// and clients run that have it: connections that are made from then on have the new one.
///
/// ```no_run
/// # use drb::tls::Certificate;
/// # fn example() -> Result<(), drb::tls::TlsConfigError> {
/// let load = || Certificate::from_pem_files("server.pem", "server.key");
/// let certificate = load()?;
/// // … and when the files have changed:
/// certificate.replace(load()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Certificate(Arc<Shown>);

#[derive(Debug)]
pub(super) struct Shown(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// From texts in PEM: the certificate, followed by those that lead to its authority if there are any,
    /// and the private key (PKCS #8, PKCS #1 or SEC 1), not encrypted.
    ///
    /// # Errors
    /// [`TlsConfigError`], also if the key is another certificate's.
    pub fn from_pem(
        certificates: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, TlsConfigError> {
        let chain = certificates_in(certificates.as_ref())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref())
            .map_err(|error| TlsConfigError::Pem(format!("no private key: {error}")))?;
        Self::new(chain, key)
    }

    /// The same from files. Both may be one and the same.
    ///
    /// # Errors
    /// [`TlsConfigError`].
    pub fn from_pem_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsConfigError> {
        Self::from_pem(read(certificates.as_ref())?, read(key.as_ref())?)
    }

    /// From certificates and a private key (PKCS #8, PKCS #1 or SEC 1) in DER.
    ///
    /// # Errors
    /// [`TlsConfigError`].
    pub fn from_der(certificates: Vec<Vec<u8>>, key: Vec<u8>) -> Result<Self, TlsConfigError> {
        let key = PrivateKeyDer::try_from(key)
            .map_err(|problem| TlsConfigError::Key(problem.to_owned()))?;
        Self::new(certificates.into_iter().map(CertificateDer::from).collect(), key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsConfigError> {
        if chain.is_empty() {
            return Err(TlsConfigError::NoCertificate);
        }
        let key = CertifiedKey::from_der(chain, key, provider())
            .map_err(|error| TlsConfigError::Key(error.to_string()))?;
        Ok(Self(Arc::new(Shown(RwLock::new(Arc::new(key))))))
    }

    /// Shows another certificate from now on, wherever this one and its clones are used.
    pub fn replace(&self, other: Self) {
        let other = other.0.now();
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = other;
    }

    /// Its SHA-256, for [`Trust::only`](super::Trust::only) on the other side.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.0.now().cert.first().map(|own| super::fingerprint(own)).unwrap_or_default()
    }

    pub(super) fn resolver(&self) -> Arc<Shown> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

impl Shown {
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

pub(super) fn certificates_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsConfigError::Pem(format!("no certificates in PEM: {error}")))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsConfigError> {
    fs::read(path)
        .map_err(|error| TlsConfigError::Read { path: path.to_owned(), source: Arc::new(error) })
}
