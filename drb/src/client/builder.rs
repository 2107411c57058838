//! What a client is made of.

use super::{Client, Inner};
use crate::{
    Address, Limits, Transport, tls,
    transport::{self, Connector},
};
use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Makes a [`Client`].
///
/// ```
/// use std::time::Duration;
///
/// let client = drb::Client::builder().deadline(Duration::from_secs(5)).build();
/// assert_eq!(client.limits().deadline, Duration::from_secs(5));
/// ```
#[must_use = "a client only exists once it is built"]
pub struct ClientBuilder {
    limits: Limits,
    idle: usize,
    connector: Option<Connector>,
    tls: Option<tls::Connecting>,
    #[cfg(feature = "ssh")]
    ssh: Option<crate::ssh::SessionBuilder>,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            limits: Limits::default(),
            idle: 64,
            connector: None,
            tls: None,
            #[cfg(feature = "ssh")]
            ssh: None,
        }
    }

    /// All bounds at once.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long each call may take, unless it says otherwise itself: [`Limits::deadline`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.limits.deadline = deadline;
        self
    }

    /// How many connections to one address are kept open while no call uses them. 64. (Ruby keeps
    /// 16, and with more calls than that side by side spends its time on connecting.)
    pub fn idle_connections(mut self, idle: usize) -> Self {
        self.idle = idle;
        self
    }

    /// Lets a function of the program's own make the connections, in place of sockets that drb opens:
    /// for TLS, a tunnel, or tests.
    ///
    /// It is given the address in the URI, which may be any that the function understands, and may take
    /// as long as [`Limits::connect`] says. What it gives is a [`Transport`]; which wire goes over it, the
    /// URI says. An error of its is [`Error::Connect`](crate::Error::Connect).
    ///
    /// ```
    /// # use tokio::net::TcpStream;
    /// // Whatever the URI says, the way leads through a relay.
    /// let client = drb::Client::builder()
    ///     .connector(|_address| TcpStream::connect("relay.example:9000"))
    ///     .build();
    /// ```
    pub fn connector<S, F>(mut self, connect: impl Fn(Address) -> F + Send + Sync + 'static) -> Self
    where
        S: Transport,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        self.connector = Some(transport::connector(connect));
        self
    }

    /// How the client speaks TLS, for URIs with `drbssl://` and `drbs://`. Without this it refuses them:
    /// nothing says whom to trust. (Feature `tls`.)
    ///
    /// A [connector](Self::connector)'s connections are wrapped as well, if the URI says so.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: tls::ClientTls) -> Self {
        self.tls = Some(tls.connecting());
        self
    }

    /// How the client logs in to the SSH servers in `drb+ssh://` URIs; a user in the URI counts before the one
    /// here. Without this it is done as `ssh` does it: with the agent and the user's own keys.
    ///
    /// Which servers those are, only the program says: a reference that a peer sends leads through one only if the
    /// program has connected there itself.
    ///
    /// ```no_run
    /// # async fn example() -> drb::Result<()> {
    /// let ssh = drb::ssh::Session::builder().key_file("/etc/till/id_ed25519");
    /// let client = drb::Client::builder().ssh(ssh).build();
    /// let till: drb::Object = client.connect("drb+ssh://till@far.example/localhost:9000").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "ssh")]
    pub fn ssh(mut self, login: crate::ssh::SessionBuilder) -> Self {
        self.ssh = Some(login);
        self
    }

    /// Makes all connections through an SSH session: each address is dialled from the SSH server, and is one as
    /// it is seen from there. So the URIs that programs over there use serve here as well, also those in
    /// references that they give.
    ///
    /// Over the native wire callbacks come over the same connection; for Ruby's,
    /// [`ssh::Session::listen`](crate::ssh::Session::listen) makes a way back.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let session = drb::ssh::Session::builder().connect("deploy@far.example").await?;
    /// let client = drb::Client::builder().through(&session).build();
    /// let till: drb::Object = client.connect("drb://localhost:9000").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "ssh")]
    pub fn through(mut self, session: &crate::ssh::Session) -> Self {
        self.connector = Some(transport::through(session.clone()));
        self
    }

    /// The client.
    pub fn build(self) -> Client {
        let (pools, routes) = (Mutex::default(), Mutex::default());
        let limits = Arc::new(self.limits);
        #[cfg(feature = "ssh")]
        let ssh = crate::ssh::Sessions::new(self.ssh);
        let Self { idle, connector, tls, .. } = self;
        Client(Arc::new(Inner {
            limits,
            connector,
            tls,
            #[cfg(feature = "ssh")]
            ssh,
            idle,
            pools,
            routes,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, idle, .. } = self;
        f.debug_struct("ClientBuilder")
            .field("limits", limits)
            .field("idle", idle)
            .finish_non_exhaustive()
    }
}
