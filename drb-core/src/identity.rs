//! What a peer has shown of itself.

use std::fmt;

/// Who a peer is, beyond [where it is](crate::Peer): what the operating system, or a handshake, vouches
/// for.
///
/// ```ignore
/// #[drb::service]
/// impl Door {
///     pub fn open(&self, #[drb(context)] call: &drb::Context) -> Result<(), String> {
///         match call.identity() {
///             drb::Identity::Unix { uid: 0, .. } => Ok(()),
///             other => Err(format!("not for {other}")),
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Identity {
    /// Nothing but an address: TCP without TLS, TLS without a certificate of the client's, or a connection
    /// that the program has made.
    #[default]
    Anonymous,
    /// The process at the other end of a Unix socket, as it was when it connected.
    Unix {
        /// Its effective user.
        uid: u32,
        /// Its effective group.
        gid: u32,
        /// Its number, where the system tells it. It may be another process's by now.
        pid: Option<u32>,
    },
    /// The holder of a certificate that was checked.
    Tls(TlsIdentity),
}

/// The certificate of a peer, as far as it tells who that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    names: Vec<String>,
    fingerprint: [u8; 32],
}

impl TlsIdentity {
    /// The names that the certificate is for, and the SHA-256 of the whole certificate (in DER).
    pub fn new(names: Vec<String>, fingerprint: [u8; 32]) -> Self {
        Self { names, fingerprint }
    }

    /// The names that the certificate is for: those of hosts, mail addresses and URIs among its
    /// alternative names, and its common name.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The SHA-256 of the certificate (in DER).
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Unix { uid, gid, pid: Some(pid) } => {
                write!(f, "user {uid}, group {gid}, process {pid}")
            }
            Self::Unix { uid, gid, pid: None } => write!(f, "user {uid}, group {gid}"),
            Self::Tls(certificate) => certificate.fmt(f),
        }
    }
}

impl fmt::Display for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.names {
            // Whoever writes it down has nothing in it but text.
            write!(f, "{}, ", name.escape_debug())?;
        }
        f.write_str("sha256:")?;
        self.fingerprint.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_in_a_line() {
        let unix = |pid| Identity::Unix { uid: 1, gid: 2, pid };
        let names = vec!["ruby.example".to_owned(), "a\nb".to_owned()];
        let mut fingerprint = [0; 32];
        fingerprint[0] = 0xa5;
        let rest = "00".repeat(31);
        let table = [
            (Identity::Anonymous, "anonymous".to_owned()),
            (unix(Some(3)), "user 1, group 2, process 3".to_owned()),
            (unix(None), "user 1, group 2".to_owned()),
            (
                Identity::Tls(TlsIdentity::new(names, fingerprint)),
                format!("ruby.example, a\\nb, sha256:a5{rest}"),
            ),
        ];
        for (identity, shown) in table {
            assert_eq!(identity.to_string(), shown);
        }
    }
}
