//! Whom a side trusts.

use super::{
    TlsConfigError,
    certificate::{certificates_in, read},
    provider,
    verify::{AnyName, Lenient},
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::CertificateDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use std::{fs, path::Path, sync::Arc};

/// Whom a side trusts to be who they say they are.
#[derive(Debug, Clone)]
pub struct Trust(Whom);

#[derive(Debug, Clone)]
enum Whom {
    Issuers(Arc<RootCertStore>),
    Only(Arc<[[u8; 32]]>),
    Anyone,
}

impl Trust {
    /// Those whose certificate was issued by one of these authorities (Ruby: `:SSLCACertificateFile`), in
    /// PEM.
    ///
    /// # Errors
    /// [`TlsConfigError`].
    pub fn pem(certificates: impl AsRef<[u8]>) -> Result<Self, TlsConfigError> {
        Self::issuers(certificates_in(certificates.as_ref())?)
    }

    /// The same from a file.
    ///
    /// # Errors
    /// [`TlsConfigError`].
    pub fn pem_file(path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        Self::pem(read(path.as_ref())?)
    }

    /// The same from all files of a folder (Ruby: `:SSLCACertificatePath`; the files may have any names).
    ///
    /// # Errors
    /// [`TlsConfigError`].
    pub fn pem_folder(path: impl AsRef<Path>) -> Result<Self, TlsConfigError> {
        let path = path.as_ref();
        let failed =
            |error| TlsConfigError::Read { path: path.to_owned(), source: Arc::new(error) };
        let mut certificates = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.is_file() {
                certificates.append(&mut certificates_in(&read(&file)?)?);
            }
        }
        Self::issuers(certificates)
    }

    /// The same in DER.
    ///
    /// # Errors
    /// [`TlsConfigError`].
    pub fn der(
        certificates: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Result<Self, TlsConfigError> {
        Self::issuers(
            certificates.into_iter().map(|der| CertificateDer::from(der.into())).collect(),
        )
    }

    /// The authorities that this machine's browsers and the like trust: for servers with a certificate of a
    /// public authority. On the side of a server it would let in whoever has a certificate for any
    /// name at all.
    ///
    /// # Errors
    /// [`TlsConfigError::System`].
    pub fn system() -> Result<Self, TlsConfigError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // A system may have some that nobody can use.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let problem =
                found.errors.first().map_or("there are none".to_owned(), |first| first.to_string());
            return Err(TlsConfigError::System(problem));
        }
        Ok(Self(Whom::Issuers(Arc::new(roots))))
    }

    /// Those who show exactly one of these certificates, given by the SHA-256 of their DER, whoever has
    /// issued them, whatever names are in them, and for however long they are valid. This is the way to
    /// trust the certificate that Ruby's drb makes itself.
    ///
    /// `openssl x509 -noout -fingerprint -sha256 -in FILE` shows it, as does an error that was caused by
    /// another one ([`TlsProblem::NotPinned`](crate::TlsProblem::NotPinned)).
    pub fn only(fingerprints: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self(Whom::Only(fingerprints.into_iter().collect()))
    }

    /// Anyone. What is said is still safe from those who only listen, but **whoever stands between both
    /// sides can be the other side of each**: read along, and change everything. It is what Ruby's drb does
    /// by default (`VERIFY_NONE`).
    pub fn dangerously_anyone() -> Self {
        Self(Whom::Anyone)
    }

    fn issuers(certificates: Vec<CertificateDer<'static>>) -> Result<Self, TlsConfigError> {
        if certificates.is_empty() {
            return Err(TlsConfigError::NoCertificate);
        }
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            let failed = |error: rustls::Error| TlsConfigError::Authority(error.to_string());
            roots.add(certificate).map_err(failed)?;
        }
        Ok(Self(Whom::Issuers(Arc::new(roots))))
    }

    /// Whether it keeps anybody out.
    pub(super) fn keeps_out(&self) -> bool {
        !matches!(self.0, Whom::Anyone)
    }

    pub(super) fn of_servers(
        &self,
        any_name: bool,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let roots = match &self.0 {
            Whom::Issuers(roots) => Arc::clone(roots),
            Whom::Only(only) => return Ok(Arc::new(Lenient::new(Some(only), true))),
            Whom::Anyone => return Ok(Arc::new(Lenient::new(None, true))),
        };
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider())).build();
        let verifier = verifier.map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(if any_name { Arc::new(AnyName(verifier)) } else { verifier })
    }

    pub(super) fn of_clients(
        &self,
        required: bool,
    ) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
        let roots = match &self.0 {
            Whom::Issuers(roots) => Arc::clone(roots),
            Whom::Only(only) => return Ok(Arc::new(Lenient::new(Some(only), required))),
            Whom::Anyone => return Ok(Arc::new(Lenient::new(None, required))),
        };
        let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider()));
        let builder = if required { builder } else { builder.allow_unauthenticated() };
        builder.build().map_err(|error| rustls::Error::General(error.to_string()))
    }
}

/// The SHA-256 of a certificate in DER: its fingerprint, for [`Trust::only`].
///
/// ```
/// let fingerprint = drb::tls::fingerprint(b"");
/// assert_eq!(fingerprint[..4], [0xe3, 0xb0, 0xc4, 0x42]);
/// ```
pub fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().try_into().unwrap_or_default()
}
