//! Servers: objects of this process that others can call.

mod accept;
mod admit;
mod builder;
#[cfg(feature = "fire")]
mod by_fire;
mod closed;
mod connection;
mod counters;
mod into_uri;
mod newcomers;
mod open;
mod penalties;
mod registry;
mod seats;
mod session;
mod shared;
mod stopper;
mod turns;

pub use builder::ServerBuilder;
pub use counters::{Counters, FireProblem, Refusal};
pub use into_uri::IntoUri;
pub use shared::FailedCall;

pub(crate) use accept::discard;
pub(crate) use closed::closed;
#[cfg(feature = "fire")]
pub(crate) use registry::behind;
pub(crate) use registry::{local, named, object, reachable, serving, within};
pub(crate) use seats::Seat;
pub(crate) use session::ServerSession;
pub(crate) use shared::Shared;
#[cfg(feature = "fire")]
pub(crate) use stopper::Stopper;
pub(crate) use turns::after_others;

use crate::{
    Acl, AclError, Current, Error, Exported, Holder, IntoFront, Peer, Proxy, Reference, Served,
    Transport, Wire,
    dispatch::Dispatch,
    local::{self, LocalLink},
    native,
    net::{Brought, Stream},
    timer::now,
    wire::Usage,
};
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

/// Serves an object at a URI: `druby://host:port` (port 0 for any free one) or `drbunix:path`.
///
/// A process that only calls others needs a server for their calls back, where it passes them
/// objects or blocks. Such a server needs no address that anybody knows in advance, and no object:
/// `drb::start_service(None, ())` listens on loopback, on any free port.
///
/// A server that other machines can reach needs an ACL, or the word that it doesn't: see
/// [`Server::builder`].
///
/// It has to be called within a tokio runtime with I/O and time enabled, and the server lives there
/// until it is [stopped](Server::stop), whether the [`Server`] is kept or not.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// let server = drb::start_service(None, ()).await?;
/// assert!(server.uri().starts_with("druby://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::BadUri`], [`Error::Listen`], [`Error::Exposed`].
pub async fn start_service(uri: impl IntoUri, front: impl IntoFront) -> Result<Server, Error> {
    Server::builder().front(front).start(uri).await
}

/// A server that listens. Clones are the same server.
///
/// It goes on when this is dropped, as in Ruby.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// The server that the call came through that is being served here and now; outside of a call, the
/// first server of the process (Ruby: `DRb.current_server`). `None` if there is no server.
///
/// "Here and now" is in a method, in the task or on the thread that it was started in: a task that the
/// method spawns is outside of the call. What a method passes by reference goes through this server.
pub fn current_server() -> Option<Server> {
    registry::current().map(|shared| Server { shared })
}

/// The object that a reference means which means nothing to other processes, as one that they can call.
pub(crate) fn relay(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    native::relay(reference).or_else(|| local::object(reference))
}

/// What a server is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Serve.
    Running,
    /// Accept no connection and no further call, and end with the last one that runs.
    Stopping,
    /// End.
    Aborting,
}

impl Server {
    /// A server with more to say than a URI and an object.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// The URI that clients connect to, with the port that the system has picked. It is one of Ruby's
    /// wire or of the native one, as that which the server was started at.
    ///
    /// For a server that listens on all addresses (`druby://:9000`) it has the address that the
    /// machine sends from; references to its objects carry the one that each peer has connected
    /// to. If the server [advertises](ServerBuilder::advertise) another URI, it is that one.
    pub fn uri(&self) -> &str {
        match self.shared.wire {
            Wire::Native => &self.shared.native_uri,
            _ => &self.shared.uri,
        }
    }

    /// The same place over the native wire, whatever the server was started at: `drb://…`. One port
    /// serves both. (Not so for a server that is behind another one, by `ServerBuilder::start_behind`: it
    /// is [`Server::uri`] then.)
    pub fn native_uri(&self) -> &str {
        &self.shared.native_uri
    }

    /// Makes this the [current server](current_server) for as long as `run` runs. A call whose arguments
    /// are written there (it needn't be awaited there) passes objects and blocks through this server
    /// (Ruby: `DRbObject.with_friend`). For a process that has servers on several networks.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> drb::Result<()> {
    /// let inner = drb::start_service(None, ()).await?;
    /// let outer = drb::start_service(None, ()).await?;
    /// let current = outer.as_current(drb::current_server).unwrap();
    /// assert_eq!(current.uri(), outer.uri());
    /// assert_eq!(drb::current_server().unwrap().uri(), inner.uri());
    /// # Ok(())
    /// # }
    /// ```
    pub fn as_current<T>(&self, run: impl FnOnce() -> T) -> T {
        let session = ServerSession {
            shared: Arc::clone(&self.shared),
            uri: Arc::clone(&self.shared.uri),
            holder: Holder::Local,
        };
        Arc::new(Current::with_session(Arc::new(session))).enter(run)
    }

    /// Makes an object callable, for whomever is given the proxy, until it is
    /// [withdrawn](Server::withdraw). An object that a method merely gives away, or that is passed as
    /// an argument, is only held as long as it is used.
    ///
    /// Calls of the proxy in this process don't touch the network.
    ///
    /// ```
    /// # use drb::prelude::*;
    /// # use std::sync::Arc;
    /// #[derive(DrbUndumped)]
    /// struct Bell;
    ///
    /// #[drb::service]
    /// impl Bell {
    ///     pub fn ring(&self) -> String {
    ///         "ding".to_owned()
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> drb::Result<()> {
    /// # let server = drb::start_service(None, ()).await?;
    /// let bell = Arc::new(Bell);
    /// let proxy: BellProxy = server.keep(Arc::clone(&bell))?;
    /// assert_eq!(proxy.ring().await?, "ding");
    /// assert!(Arc::ptr_eq(&bell, &proxy.local::<Bell>().unwrap()));
    /// server.withdraw(&proxy);
    /// assert!(matches!(proxy.ring().await, Err(drb::Error::Gone(_))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Dump`] with [`Limit::ExportsTotal`](crate::Limit::ExportsTotal).
    pub fn keep<O: Served>(
        &self,
        object: O,
    ) -> Result<<O::Service as crate::Service>::Proxy, Error> {
        let id = self.shared.objects.keep(object.into_object(), now())?;
        let reference = Reference::new(Arc::clone(&self.shared.uri), id);
        Ok(Proxy::from_remote(LocalLink::remote(&self.shared, reference)))
    }

    /// Ends that an object can be called that was [kept](Server::keep), or exported otherwise: whoever
    /// calls it now is told that it is gone, and whoever holds it over the native wire is
    /// [told so at once](Proxy::closed), on whichever connection. Calls that run are not touched.
    ///
    /// Says whether it was there. The front and objects with a name stay.
    pub fn withdraw(&self, proxy: &impl Proxy) -> bool {
        let reference = proxy.remote().reference();
        let withdrawn = self.shared.withdrawn(reference).or_else(|| local::withdraw(reference));
        let Some(object) = withdrawn else { return false };
        local::revoke(&object);
        native::revoke(&object);
        discard(vec![object]);
        true
    }

    /// The same for an object of which the program has no proxy: nobody can call it any more through
    /// what they were given so far, over whichever wire and connection. (Given to somebody anew, it can be
    /// called anew.)
    ///
    /// Says whether anybody was holding it. The front and objects with a name stay, but for those who
    /// were given them as a result or an argument.
    ///
    /// ```
    /// # use drb::prelude::*;
    /// # use std::sync::Arc;
    /// #[derive(DrbUndumped)]
    /// struct Door;
    ///
    /// #[drb::service]
    /// impl Door {
    ///     pub fn open(&self) {}
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> drb::Result<()> {
    /// # let server = drb::start_service(None, ()).await?;
    /// let door = Arc::new(Door);
    /// let proxy: DoorProxy = server.keep(Arc::clone(&door))?;
    /// assert!(server.revoke(&door));
    /// assert_eq!(proxy.closed().await, drb::Closed::Withdrawn);
    /// # Ok(())
    /// # }
    /// ```
    pub fn revoke<C: crate::Cell>(&self, object: &Arc<C>) -> bool {
        let object: Arc<dyn Dispatch> = Arc::clone(object) as _;
        // In the table, within the process, and over the native wire.
        self.shared.revoked(&object) | local::revoke(&object) | native::revoke(&object)
    }

    /// Serves a connection that the program has accepted itself: behind TLS, through a tunnel, or in a
    /// test. Its first byte tells which wire it is, as with those that the server accepts, and it counts
    /// among them.
    ///
    /// `peer` says who is at the other end. If that is a [`Peer::Tcp`], the server's ACL and
    /// [`Limits::connections_per_address`](crate::Limits::connections_per_address) hold for the address;
    /// whom else to let in, the program has decided. A connection that is not let in is closed without a
    /// word.
    ///
    /// It returns when the server has taken the connection over. A server that listens nowhere is started
    /// with [`ServerBuilder::start_without_listener`].
    ///
    /// ```
    /// # use drb::prelude::*;
    /// # struct Clock;
    /// # #[drb::service]
    /// # impl Clock {
    /// #     pub fn hour(&self) -> u8 { 12 }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> drb::Result<()> {
    /// let server = drb::Server::builder().front(Clock).start_without_listener("drb://clock:1")?;
    /// let client = drb::Client::builder()
    ///     .connector({
    ///         let server = server.clone();
    ///         move |_address| {
    ///             let (near, far) = tokio::io::duplex(64 << 10);
    ///             let server = server.clone();
    ///             async move {
    ///                 let peer = drb::Peer::Named("this very process".into());
    ///                 server.serve_stream(far, peer).await.map_err(std::io::Error::other)?;
    ///                 Ok(near)
    ///             }
    ///         }
    ///     })
    ///     .build();
    /// let clock: ClockProxy = client.connect("drb://clock:1").await?;
    /// assert_eq!(clock.hour().await?, 12);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Stopped`]: the server takes no more connections.
    pub async fn serve_stream(&self, stream: impl Transport, peer: Peer) -> Result<(), Error> {
        let peer = match peer {
            Peer::Tcp(mut address) => {
                address.set_ip(address.ip().to_canonical());
                Peer::Tcp(address)
            }
            peer => peer,
        };
        self.take(Brought::new(stream, peer).into()).await
    }

    /// Serves a connection that has been made elsewhere.
    pub(crate) async fn take(&self, stream: Stream) -> Result<(), Error> {
        self.shared.streams.send(stream).await.map_err(|_| Error::Stopped)
    }

    /// Waits until it is stopped.
    #[cfg(feature = "fire")]
    pub(crate) async fn stopped(&self) {
        let mut phases = self.shared.phase.subscribe();
        // It cannot fail: the sender is the server's.
        let _ = phases.wait_for(|phase| *phase != Phase::Running).await;
    }

    /// What the server has to do at the moment with the peers that have connected over the native wire, and
    /// with its own process.
    /// ([`Server::exported`] and the table that it counts are of Ruby's wire, which doesn't know who
    /// holds an object for how long.)
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::of(|home| home.is_of_server(&self.shared));
        usage.exported += self.shared.local.held(true);
        usage.imported += self.shared.local.held(false);
        usage
    }

    /// How many objects are held at the moment because peers have been given references to them, or
    /// because the program keeps them.
    pub fn exported(&self) -> usize {
        self.shared.objects.exported()
    }

    /// What is held at the moment, in no order: each object's id and class, for whom it is held, since
    /// when and how long.
    pub fn objects(&self) -> Vec<Exported> {
        self.shared.objects.list()
    }

    /// For how many objects each peer is counted; [`Limits::exports`](crate::Limits::exports) bounds
    /// it. Objects that the program keeps count for nobody.
    pub fn holders(&self) -> HashMap<Holder, usize> {
        self.shared.objects.holders()
    }

    /// Replaces the ACL ([`ServerBuilder::acl`]), for connections that arrive from here on. Those that are
    /// there stay.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = std::env::temp_dir().join(format!("drb-acl-{}", std::process::id()));
    /// # std::fs::write(&path, "deny all allow 127.*")?;
    /// let server = drb::start_service(None, ()).await?;
    /// // Whenever the file has changed:
    /// server.set_acl(std::fs::read_to_string(&path)?.parse()?)?;
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AclError::Unknown`]: a user or a group; the old list stays.
    pub fn set_acl(&self, acl: Acl) -> Result<(), AclError> {
        self.shared.set_acl(acl)
    }

    /// What the server has let in and refused so far.
    pub fn counters(&self) -> Counters {
        self.shared.counts.read()
    }

    /// Begins to stop: no more connections and calls are accepted, connections without a call are
    /// closed. Calls that run are brought to their end, and their replies are sent.
    ///
    /// It doesn't wait, so a method may call it of its own server: that method's reply is sent as
    /// well. [`Server::wait`] and [`Server::drain`] wait.
    pub fn stop(&self) {
        self.advance(Phase::Stopping);
    }

    /// Waits until the server has ended: it was stopped, and no call runs any more.
    pub async fn wait(&self) {
        // It cannot fail: the sender is the server's.
        let _ = self.shared.over.subscribe().wait_for(|over| *over).await;
    }

    /// Stops, and waits for the calls that run, but no longer than `bound`: what still runs then is
    /// cut off. Says whether all calls came to their end.
    pub async fn drain(&self, bound: Duration) -> bool {
        self.stop();
        let drained = tokio::time::timeout(bound, self.wait()).await.is_ok();
        self.advance(Phase::Aborting);
        self.wait().await;
        drained
    }

    fn advance(&self, phase: Phase) {
        self.shared.phase.send_if_modified(|current| {
            let later = (*current as u8) < (phase as u8);
            if later {
                *current = phase;
            }
            later
        });
        self.shared.stopping.stop();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("uri", &self.shared.uri).finish_non_exhaustive()
    }
}
