//! What can be wrong with TLS.

use std::fmt;

/// Why a connection over TLS did not come about. The same cases are told to the server, of its clients.
///
/// Each says what to change; which side that is on, the words "this side" and "the peer" say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsProblem {
    /// The peer's certificate is from no authority that is trusted here.
    UnknownIssuer,
    /// The peer's certificate is no longer valid.
    Expired,
    /// The peer's certificate is not valid yet.
    NotYetValid,
    /// The peer's certificate is for other names than the one that was asked for.
    WrongName {
        /// The name that was asked for.
        expected: String,
        /// Those in the certificate.
        presented: Vec<String>,
    },
    /// The peer's certificate is none of those whose fingerprints are trusted here.
    NotPinned {
        /// Its SHA-256.
        fingerprint: [u8; 32],
    },
    /// The peer's certificate is wrong in another way.
    BadCertificate {
        /// In which.
        problem: String,
    },
    /// The peer has shown no certificate, and this side requires one.
    NoCertificate,
    /// The peer requires a certificate, and this side has shown none.
    CertificateRequired,
    /// The peer has refused the certificate of this side, or something else.
    Refused {
        /// The number of its alert (RFC 8446, section 6).
        alert: u8,
    },
    /// There is no version or cipher that both sides have.
    NothingInCommon,
    /// The peer doesn't speak TLS.
    NotTls,
    /// The peer speaks nothing but TLS, and this side has not begun with it.
    OnlyTls,
    /// The connection was lost in the handshake.
    Broken {
        /// How.
        problem: String,
    },
}

impl TlsProblem {
    /// What a peer says with an alert, if it is about certificates: that it has not let this side in.
    /// Over TLS 1.3 it comes behind the handshake.
    pub fn of_late_alert(alert: u8) -> Option<Self> {
        match alert {
            116 => Some(Self::CertificateRequired),
            41..=46 | 48 | 49 | 51 => Some(Self::Refused { alert }),
            _ => None,
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "the peer's certificate is from no authority that this side trusts; trust the CA that \
                 has issued it",
            ),
            Self::Expired => f.write_str("the peer's certificate has expired; it needs a new one"),
            Self::NotYetValid => f.write_str(
                "the peer's certificate is not valid yet; compare the clocks of both machines",
            ),
            Self::WrongName { expected, presented } => write!(
                f,
                "the peer's certificate is not for `{expected}` but for {presented:?}; connect to one \
                 of its names, set the server name, or issue it with that name among its \
                 alternative names"
            ),
            Self::NotPinned { fingerprint } => {
                f.write_str("the peer's certificate is none of those trusted by fingerprint: sha256:")?;
                fingerprint.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::BadCertificate { problem } => {
                write!(f, "the peer's certificate cannot be used: {problem}")
            }
            Self::NoCertificate => f.write_str(
                "the peer has shown no certificate, and this side requires one",
            ),
            Self::CertificateRequired => f.write_str(
                "the peer requires a certificate, and this side has shown none; give it one",
            ),
            Self::Refused { alert } => {
                let why = match alert {
                    40 => "there is nothing that both sides can, or it requires a certificate",
                    42 | 43 | 46 => "it cannot use the certificate of this side",
                    44 => "the certificate of this side is revoked",
                    45 => "the certificate of this side has expired",
                    48 => "it doesn't trust the authority that has issued the certificate of this side",
                    49 => "it doesn't let this side in",
                    51 => "a signature is wrong: this side's, or that of the authority of its certificate",
                    112 => "it doesn't know the name that it is asked for",
                    _ => "the alert is all that it says",
                };
                write!(f, "the peer has refused (TLS alert {alert}): {why}")
            }
            Self::NothingInCommon => f.write_str(
                "there is no version of TLS, or no cipher, that both sides have",
            ),
            Self::NotTls => f.write_str(
                "the peer speaks no TLS; write druby:// or drb://, or start the server at drbssl:// or \
                 drbs://",
            ),
            Self::OnlyTls => f.write_str(
                "the peer speaks nothing but TLS; write drbssl:// in place of druby://, or drbs:// in \
                 place of drb://",
            ),
            Self::Broken { problem } => write!(f, "the TLS handshake broke off: {problem}"),
        }
    }
}

impl std::error::Error for TlsProblem {}
