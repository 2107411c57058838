//! One SSH connection.

use super::{
    Channel, Error, Listener, Refusal,
    auth::{self, Credential},
    far::{Far, Line, Place},
    known_hosts::KnownHost,
    place,
};
use crate::users;
use drb_core::{Address, Limits, Uri};
use russh::{
    ChannelOpenFailure, Disconnect, Preferred,
    client::{self, Handle},
    keys::{Algorithm, EcdsaCurve},
};
use std::{
    borrow::Cow,
    fmt,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    runtime,
    time::{Instant, timeout, timeout_at},
};

/// How long what has been written may take to leave, when nobody uses the session any more.
const LINGER: Duration = Duration::from_secs(10);

/// So many questions whether the server is still there go unanswered at most.
const UNANSWERED: usize = 2;

/// An SSH connection, authenticated on both sides. Clones are the same connection.
///
/// It lasts as long as a clone, a [`Channel`], a [`Listener`] or a [`Tunnel`](super::Tunnel) of it does, unless
/// it is [closed](Self::close) or lost, of which [`Self::closed`] tells. It runs in the tokio runtime in which it was
/// made.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

/// A session that is somebody else's.
#[derive(Default)]
pub(super) struct WeakSession(Weak<Inner>);

impl WeakSession {
    pub(super) fn upgrade(&self) -> Option<Session> {
        self.0.upgrade().map(Session)
    }
}

struct Inner {
    host: Arc<str>,
    timeout: Duration,
    line: Arc<Line>,
    runtime: runtime::Handle,
    /// `None` only while it is dropped.
    handle: Option<Handle<Far>>,
    plug: Option<Plug>,
}

/// The socket, which is cut off when this is dropped, whatever the library's task does just then.
struct Plug(TcpStream);

impl Drop for Plug {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

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
    user: Option<String>,
    credentials: Vec<Credential>,
    known_hosts: Vec<PathBuf>,
    any_host: bool,
    timeout: Duration,
    keepalive: Duration,
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

    /// Connects to `[user@]host[:port]`. An IPv6 address stands in brackets if a port follows.
    ///
    /// It has to be called within a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// Whatever can be wrong with the host, its key or the user: see [`Error`].
    pub async fn connect(&self, to: &str) -> Result<Session, Error> {
        // The place doesn't matter.
        match Uri::parse(&format!("drb+ssh://{to}/:1")).map(|uri| uri.address) {
            Ok(Address::Ssh { user, host, port, .. }) => {
                self.connect_to(user.as_deref(), &host, port).await
            }
            Err(crate::Error::BadUri { problem, .. }) => {
                Err(Error::BadPlace { place: to.to_owned(), problem })
            }
            _ => Err(Error::BadPlace { place: to.to_owned(), problem: "write user@host:port" }),
        }
    }

    /// The same, taken apart.
    pub(super) async fn connect_to(
        &self,
        user: Option<&str>,
        host: &str,
        port: u16,
    ) -> Result<Session, Error> {
        let user = match user.or(self.user.as_deref()) {
            Some(user) => user.to_owned(),
            None => users::own_name().unwrap_or_default(),
        };
        let known = match self.any_host {
            true => None,
            false => Some(KnownHost::read(host, port, &self.known_hosts)?),
        };
        let shown: Arc<str> = match host.contains(':') {
            true => format!("[{host}]:{port}").into(),
            false => format!("{host}:{port}").into(),
        };
        let until = Instant::now() + self.timeout;
        let late = |during| Error::TimedOut { after: self.timeout, during };
        let failed = |error: std::io::Error| {
            let (host, problem) = (shown.to_string(), error.to_string());
            Error::Connect { host, problem }
        };
        let connecting = tokio::net::TcpStream::connect((host, port));
        let stream = timeout_at(until, connecting)
            .await
            .map_err(|_| late(format!("connecting to {shown}")))?
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        // Until the session is there, whatever ends this ends the connection.
        let twin = stream.as_fd().try_clone_to_owned().map_err(failed)?;
        let plug = Plug(TcpStream::from(twin));
        let line = Line::new();
        let config = Arc::new(self.config(known.as_ref()));
        let far = Far { line: Arc::clone(&line), host: known };
        let mut handle = timeout_at(until, client::connect_stream(config, stream, far))
            .await
            .map_err(|_| late(format!("the handshake with {shown}")))??;
        timeout_at(until, auth::authenticate(&mut handle, &user, &self.credentials))
            .await
            .map_err(|_| late(format!("letting `{user}` in")))?
            .map_err(|error| match (error, line.over()) {
                // It says why it has hung up.
                (Error::Lost { .. }, Some(reason)) => reason,
                (error, _) => error,
            })?;
        Ok(Session(Arc::new(Inner {
            host: shown,
            timeout: self.timeout,
            line,
            runtime: runtime::Handle::current(),
            handle: Some(handle),
            plug: Some(plug),
        })))
    }

    fn config(&self, known: Option<&KnownHost>) -> client::Config {
        let ecdsa = |curve| Algorithm::Ecdsa { curve };
        let supported = [
            Algorithm::Ed25519,
            ecdsa(EcdsaCurve::NistP256),
            ecdsa(EcdsaCurve::NistP384),
            ecdsa(EcdsaCurve::NistP521),
        ];
        let key = known.map_or_else(|| supported.to_vec(), |known| known.algorithms(&supported));
        client::Config {
            preferred: Preferred { key: Cow::Owned(key), ..Preferred::default() },
            keepalive_interval: Some(self.keepalive),
            keepalive_max: UNANSWERED,
            ..client::Config::default()
        }
    }
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

    /// The SSH server, as `host:port`.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Opens a connection from the SSH server to an address, as it is seen from there: over TCP, or to a Unix
    /// socket, which the SSH server opens as the user who is logged in.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server doesn't, [`Error::TimedOut`], or the reason why the session is over.
    pub async fn open(&self, to: Address) -> Result<Channel, Error> {
        let during = format!("opening a connection to {}", place::show(&to));
        let session = self.clone();
        self.request(during, async move { session.open_now(&to).await }).await
    }

    async fn open_now(&self, to: &Address) -> Result<Channel, Error> {
        let opened = match to {
            Address::Tcp { host, port } => {
                let host = if host.is_empty() { "localhost" } else { host };
                let port = u32::from(*port);
                self.handle()?.channel_open_direct_tcpip(host, port, "127.0.0.1", 0).await
            }
            Address::Unix { path } => {
                let path = path.to_string_lossy();
                self.handle()?.channel_open_direct_streamlocal(path).await
            }
            _ => {
                let problem = "over SSH it is host:port, or the path of a Unix socket";
                return Err(Error::BadPlace { place: to.to_string(), problem });
            }
        };
        match opened {
            Ok(channel) => {
                let id = channel.id();
                Ok(Channel::new(channel.into_stream(), id, self.clone()))
            }
            Err(russh::Error::ChannelOpenFailure(failure)) => {
                let problem = match failure {
                    ChannelOpenFailure::AdministrativelyProhibited => Refusal::NotAllowed,
                    ChannelOpenFailure::ConnectFailed => Refusal::Unreachable,
                    other => Refusal::Other(format!("{other:?}")),
                };
                Err(Error::Refused { to: place::show(to), problem })
            }
            Err(error) => Err(self.reason(error)),
        }
    }

    /// Has the SSH server listen for connections and pass them on, as `ssh -R` does: at `host:port`, where 0
    /// is any free port and `localhost` is what most servers allow, or at the path of a Unix socket.
    ///
    /// # Errors
    /// [`Error::ListenRefused`] if the server doesn't, [`Error::BadPlace`], [`Error::TimedOut`], or the reason why the
    /// session is over.
    pub async fn listen(&self, at: &str) -> Result<Listener, Error> {
        let address = place::parse(at)?;
        let session = self.clone();
        let listening = async move { Listener::new(session, address).await };
        self.request(format!("listening on {at}"), listening).await
    }

    /// Asks the server for something. If nobody waits for it any more, it is taken back once it is there.
    async fn request<T: Send + 'static>(
        &self,
        during: String,
        asking: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        match timeout(self.0.timeout, self.0.runtime.spawn(asking)).await {
            Ok(Ok(answer)) => answer,
            // The runtime has ended, and the session with it.
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::TimedOut { after: self.0.timeout, during }),
        }
    }

    /// Has the server listen, and gives the port.
    pub(super) async fn forward(&self, place: &Place) -> Result<u32, Error> {
        let asked = match place {
            Place::Tcp(host, port) => self.handle()?.tcpip_forward(host, *port).await,
            Place::Unix(path) => self.handle()?.streamlocal_forward(path).await.map(|()| 0),
        };
        asked.map_err(|error| match error {
            russh::Error::RequestDenied => {
                let at = match place {
                    Place::Tcp(host, port) => format!("{host}:{port}"),
                    Place::Unix(path) => path.clone(),
                };
                Error::ListenRefused { at }
            }
            error => self.reason(error),
        })
    }

    /// Has the server stop listening.
    pub(super) fn cancel(&self, place: Place) {
        self.0.line.unlisten(&place);
        let session = self.clone();
        self.0.runtime.spawn(async move {
            let Ok(handle) = session.handle() else { return };
            // If it fails, the session is over, and the listener with it.
            let _ = match place {
                Place::Tcp(host, port) => handle.cancel_tcpip_forward(host, port).await,
                Place::Unix(path) => handle.cancel_streamlocal_forward(path).await,
            };
        });
    }

    /// Waits until the session is over, and says why.
    pub async fn closed(&self) -> Error {
        self.0.line.ended().await
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.0.line.over().is_some()
    }

    /// Ends it, with all its channels, listeners and tunnels.
    pub async fn close(&self) {
        let Ok(handle) = self.handle() else { return };
        let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
        self.0.line.end(Error::Closed);
        if let Some(plug) = &self.0.plug {
            let _ = plug.0.shutdown(Shutdown::Both);
        }
    }

    fn handle(&self) -> Result<&Handle<Far>, Error> {
        match self.0.line.over() {
            Some(reason) => Err(reason),
            None => self.0.handle.as_ref().ok_or(Error::Closed),
        }
    }

    /// Why the session is over, or else what the library says.
    fn reason(&self, error: russh::Error) -> Error {
        self.0.line.over().unwrap_or_else(|| error.into())
    }

    pub(super) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.0.line
    }

    pub(super) fn runtime(&self) -> &runtime::Handle {
        &self.0.runtime
    }
}

/// Nobody uses it any more. What was written last may still leave.
impl Drop for Inner {
    fn drop(&mut self) {
        let (plug, ended) = (self.plug.take(), self.line.ended());
        // The library's task ends with its last user.
        self.handle = None;
        self.runtime.spawn(async move {
            let _ = timeout(LINGER, ended).await;
            drop(plug);
        });
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("host", &self.0.host).finish_non_exhaustive()
    }
}
