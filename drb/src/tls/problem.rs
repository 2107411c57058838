//! What rustls says, in the words of [`TlsProblem`].

use crate::TlsProblem;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use std::io::{self, ErrorKind};

/// Why a handshake has failed.
pub(super) fn of(error: &io::Error) -> TlsProblem {
    if let Some(error) = rustls_error(error) {
        return of_rustls(error);
    }
    let problem = match error.kind() {
        ErrorKind::UnexpectedEof => "the peer has closed the connection".to_owned(),
        _ => error.to_string(),
    };
    TlsProblem::Broken { problem }
}

/// An alert that a peer has sent behind the handshake, about what was shown to it there.
pub(super) fn late(error: &io::Error) -> Option<TlsProblem> {
    match rustls_error(error)? {
        Error::AlertReceived(alert) => TlsProblem::of_late_alert((*alert).into()),
        _ => None,
    }
}

fn rustls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn of_rustls(error: &Error) -> TlsProblem {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::NoCertificatesPresented => TlsProblem::NoCertificate,
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            TlsProblem::CertificateRequired
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            TlsProblem::NothingInCommon
        }
        Error::AlertReceived(alert) => TlsProblem::Refused { alert: (*alert).into() },
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => TlsProblem::NotTls,
        error => TlsProblem::Broken { problem: error.to_string() },
    }
}

fn of_certificate(error: &CertificateError) -> TlsProblem {
    match error {
        CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsProblem::NotYetValid
        }
        CertificateError::NotValidForNameContext { expected, presented } => TlsProblem::WrongName {
            expected: expected.to_str().into_owned(),
            presented: presented.clone(),
        },
        CertificateError::BadSignature => TlsProblem::BadCertificate {
            problem:
                "a signature is wrong: it may be of an authority with the name of a trusted one \
                      but another key, or be shown by somebody who has not its key"
                    .to_owned(),
        },
        CertificateError::Other(other) => match other.0.downcast_ref::<TlsProblem>() {
            Some(problem) => problem.clone(),
            None => TlsProblem::BadCertificate { problem: other.to_string() },
        },
        error => TlsProblem::BadCertificate { problem: error.to_string() },
    }
}
