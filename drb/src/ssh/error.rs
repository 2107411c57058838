//! What can go wrong with an SSH connection.

use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    time::Duration,
};

/// Why there is no SSH connection, or why something isn't possible over it.
///
/// Where a call fails because of one, it is the source of the [`drb::Error`](crate::Error);
/// [`Error::of`] finds it there.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A place is not written as it should be.
    #[error("`{place}` is no place: {problem}")]
    BadPlace {
        /// What was written.
        place: String,
        /// What to change.
        problem: &'static str,
    },
    /// A reference from a peer leads through an SSH server to which the program has not connected itself. Since
    /// this would show who the user is to whomever the peer names, it isn't done.
    #[error("{uri} is a peer's word; connect to it first, if it is right")]
    NotAsked {
        /// The address.
        uri: String,
    },
    /// The SSH server cannot be reached.
    #[error("cannot connect to the SSH server {host}: {problem}")]
    Connect {
        /// The host and the port.
        host: String,
        /// What the system says.
        problem: String,
    },
    /// The file `known_hosts` cannot be read.
    #[error("cannot read {path}: {problem}")]
    KnownHosts {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// Nothing is known of the host. If the fingerprint is what the host's keeper says that it is, add the line to
    /// the file.
    #[error(
        "{host} is not known, its key is {fingerprint}; if that is right, add this line to {path}: {add}"
    )]
    UnknownHost {
        /// The host, as it stands in the file.
        host: String,
        /// The fingerprint of the key that it has shown, as `ssh-keygen -l` prints it.
        fingerprint: String,
        /// The file.
        path: PathBuf,
        /// The line to add.
        add: String,
    },
    /// The host has another key than the one that is known. Either somebody stands in between, or the host has
    /// been set up anew; then replace the line.
    #[error(
        "{host} has shown another key than before, {fingerprint}: somebody may be in between! \
         If the host is new, replace line {line} of {path} by: {add}"
    )]
    HostKeyChanged {
        /// The host, as it stands in the file.
        host: String,
        /// The fingerprint of the key that it has shown.
        fingerprint: String,
        /// The file.
        path: PathBuf,
        /// The number of the line with the other key, from 1.
        line: usize,
        /// The line for the new key.
        add: String,
    },
    /// The host has shown a key that must not be used any more.
    #[error("{host} has shown the key {fingerprint}, which line {line} of {path} revokes")]
    HostKeyRevoked {
        /// The host, as it stands in the file.
        host: String,
        /// The fingerprint of the key.
        fingerprint: String,
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
    },
    /// A key file cannot be used.
    #[error("the key {path} cannot be used: {problem}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not, and what to change.
        problem: String,
    },
    /// The agent cannot be asked.
    #[error("the SSH agent cannot be asked: {problem}")]
    Agent {
        /// Why not.
        problem: String,
    },
    /// The server lets the user in by none of the ways that were tried.
    #[error("the SSH server doesn't let `{user}` in by {}; it takes {}", list(.tried), list(.takes))]
    Authentication {
        /// The user.
        user: String,
        /// What was tried, in order.
        tried: Vec<String>,
        /// What the server takes, as it names it.
        takes: Vec<String>,
    },
    /// It took too long.
    #[error("no answer from the SSH server within {after:?} ({during})")]
    TimedOut {
        /// How long it was given.
        after: Duration,
        /// What was under way.
        during: String,
    },
    /// The server connects nobody there: its configuration doesn't allow it, or nobody listens.
    #[error("the SSH server doesn't connect to {to}: {problem}")]
    Refused {
        /// The place, as seen from the server.
        to: String,
        /// Why not.
        problem: Refusal,
    },
    /// The server doesn't listen there: its configuration doesn't allow it, or something else does.
    #[error(
        "the SSH server doesn't listen on {at}: the port is taken, or the server doesn't allow it \
         (AllowTcpForwarding, AllowStreamLocalForwarding, PermitListen)"
    )]
    ListenRefused {
        /// The place, as seen from the server.
        at: String,
    },
    /// Nobody can listen there on this side.
    #[error("cannot listen on {at}: {problem}")]
    Listen {
        /// The place.
        at: String,
        /// What the system says.
        problem: String,
    },
    /// A connection that has come through a tunnel cannot go on here.
    #[error("cannot connect to {to} on this side of the tunnel: {problem}")]
    Unreachable {
        /// The place.
        to: String,
        /// What the system says.
        problem: String,
    },
    /// The connection is lost.
    #[error("the SSH connection is lost: {problem}")]
    Lost {
        /// What has happened.
        problem: String,
    },
    /// This side has closed the session.
    #[error("the SSH session is closed")]
    Closed,
}

/// Why a server doesn't connect to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its configuration, or the line of `authorized_keys`, doesn't allow it.
    NotAllowed,
    /// Nobody listens there, or the place cannot be reached from there. (OpenSSH says so as well of a Unix socket
    /// that its configuration doesn't allow.)
    Unreachable,
    /// Something else.
    Other(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "it isn't allowed there (AllowTcpForwarding, PermitOpen)",
            Self::Unreachable => {
                "nobody listens there (or, at a Unix socket, AllowStreamLocalForwarding forbids it)"
            }
            Self::Other(problem) => problem,
        })
    }
}

impl Error {
    /// The reason for an error of drb, if it has to do with SSH.
    ///
    /// ```no_run
    /// # async fn example(client: drb::Client) {
    /// let error = client.connect::<drb::Object>("drb://far.example:9000").await.unwrap_err();
    /// if let Some(drb::ssh::Error::UnknownHost { fingerprint, .. }) = drb::ssh::Error::of(&error) {
    ///     println!("is {fingerprint} the right one?");
    /// }
    /// # }
    /// ```
    pub fn of(error: &crate::Error) -> Option<&Self> {
        crate::transport::cause(error)
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::BadPlace { .. } => ErrorKind::InvalidInput,
            Self::NotAsked { .. }
            | Self::KnownHosts { .. }
            | Self::UnknownHost { .. }
            | Self::HostKeyChanged { .. }
            | Self::HostKeyRevoked { .. }
            | Self::Key { .. }
            | Self::Agent { .. }
            | Self::Authentication { .. }
            | Self::ListenRefused { .. }
            | Self::Refused { problem: Refusal::NotAllowed, .. } => ErrorKind::PermissionDenied,
            Self::Connect { .. } | Self::Refused { .. } | Self::Unreachable { .. } => {
                ErrorKind::ConnectionRefused
            }
            Self::TimedOut { .. } => ErrorKind::TimedOut,
            Self::Listen { .. } => ErrorKind::AddrNotAvailable,
            Self::Lost { .. } => ErrorKind::ConnectionReset,
            Self::Closed => ErrorKind::NotConnected,
        }
    }
}

/// What the library says, where nothing more is known of it.
impl From<russh::Error> for Error {
    fn from(error: russh::Error) -> Self {
        let problem = match error {
            russh::Error::Disconnect | russh::Error::HUP | russh::Error::SendError => {
                "the other side has closed it".to_owned()
            }
            russh::Error::KeepaliveTimeout => "the other side no longer answers".to_owned(),
            error => error.to_string(),
        };
        Self::Lost { problem }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}
