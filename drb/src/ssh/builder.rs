//! How to make a session: who the user is, and which host to trust.

use super::{Session, auth::Credential};
use drb_core::Limits;
use std::{path::PathBuf, time::Duration};

/// How to make a [`Session`]: who the user is, and which host to trust.
///
/// Without a word about keys, it is done as `ssh` does it: with the agent and the user's own keys. Once a way to
/// authenticate is named, only those that are named are tried, in that order.
///
/// ```no_run
/// use drb::ssh::Session;
///
/// # async fn example() -> Result<(), drb::ssh::Error> {
/// let session = Session::builder()
///     .key_file("/etc/till/id_ed25519")
///     .known_hosts("/etc/till/known_hosts")
///     .connect("till@far.example:2222")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a session only exists once it is connected"]
pub struct SessionBuilder {
    pub(super) user: Option<String>,
    pub(super) credentials: Vec<Credential>,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) any_host: bool,
    pub(super) timeout: Duration,
    pub(super) keepalive: Duration,
}

impl Session {
    /// How to make one.
    pub fn builder() -> SessionBuilder {
        SessionBuilder {
            user: None,
            credentials: Vec::new(),
            known_hosts: Vec::new(),
            any_host: false,
            timeout: Limits::default().connect,
            keepalive: Limits::default().keepalive,
        }
    }
}

impl SessionBuilder {
    /// The user on the server, where what is connected to doesn't name one (`user@host`). Without this it is the
    /// user of this process.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Authenticates with the keys of the SSH agent that `SSH_AUTH_SOCK` names.
    pub fn agent(mut self) -> Self {
        self.credentials.push(Credential::Agent(None));
        self
    }

    /// Authenticates with the keys of the SSH agent at a socket.
    pub fn agent_at(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials.push(Credential::Agent(Some(path.into())));
        self
    }

    /// Authenticates with a private key, of Ed25519 or ECDSA. (RSA keys serve from an agent.)
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials.push(Credential::KeyFile { path: path.into(), passphrase: None });
        self
    }

    /// Authenticates with a private key that is enciphered.
    pub fn key_file_with_passphrase(
        mut self,
        path: impl Into<PathBuf>,
        passphrase: impl Into<String>,
    ) -> Self {
        let passphrase = Some(passphrase.into());
        self.credentials.push(Credential::KeyFile { path: path.into(), passphrase });
        self
    }

    /// Authenticates with a password, which the server also gets as the answer if it asks for one
    /// (`keyboard-interactive`).
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.credentials.push(Credential::Password(password.into()));
        self
    }

    /// Where the keys of hosts are written down, in place of `~/.ssh/known_hosts` and
    /// `/etc/ssh/ssh_known_hosts`. It can be said several times.
    pub fn known_hosts(mut self, path: impl Into<PathBuf>) -> Self {
        self.known_hosts.push(path.into());
        self
    }

    /// Takes whatever key the host shows. **Whoever is in between then reads and changes everything, and gets the
    /// password.** It is for tests, and for networks that nobody else is on.
    pub fn dangerously_accept_any_host(mut self) -> Self {
        self.any_host = true;
        self
    }

    /// How long it may take until the session is there, handshake and authentication included, and later until
    /// the server has answered a request. [`Limits::connect`] (10 s), unless this says otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how much silence the server is asked whether it is still there. 15 s. When it hasn't answered
    /// twice, the session is lost.
    pub fn keepalive(mut self, keepalive: Duration) -> Self {
        self.keepalive = keepalive;
        self
    }
}
