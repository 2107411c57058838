//! What a client is made of.

use super::{Client, Inner};
use crate::{
    Address, Limits, Transport, tls,
    transport::{self, Connector},
    wire::Connections,
};
use std::{
    collections::HashMap,
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
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self { limits: Limits::default(), idle: 64, connector: None, tls: None }
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

    /// The client.
    pub fn build(self) -> Client {
        let pools = Mutex::new(HashMap::new());
        let routes = Mutex::default();
        let limits = Arc::new(self.limits);
        let Self { idle, connector, tls, .. } = self;
        Client(Arc::new(Inner {
            limits,
            connector,
            tls,
            idle,
            pools,
            native: Connections::default(),
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
