//! What a server is made of.

use super::{FailedCall, Phase, Server, Shared, accept, registry, shared::Hook};
use crate::{
    Client, Error, IntoFront, IntoObject, IntoUri, Limits, Objects, dispatch::Dispatch, net::Place,
};
use drb_core::{Acl, Address, Uri};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::watch};

/// Makes a [`Server`].
///
/// ```no_run
/// # async fn example(config: impl drb::IntoObject, front: impl drb::IntoFront)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let server = drb::Server::builder()
///     .front(front)
///     .named("config", config) // druby://host:9000?config
///     .acl("deny all  allow 192.168.1.*".parse()?)
///     .on_failed_call(|call| eprintln!("{:?}: {}", call.method, call.exception))
///     .start("druby://:9000")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a server only exists once it is started"]
pub struct ServerBuilder {
    front: Option<Arc<dyn Dispatch>>,
    names: BTreeMap<String, Arc<dyn Dispatch>>,
    limits: Limits,
    lease: Duration,
    acl: Option<Acl>,
    everyone: bool,
    hook: Option<Hook>,
    client: Option<Client>,
}

impl ServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            front: None,
            names: BTreeMap::new(),
            limits: Limits::default(),
            lease: Objects::LEASE,
            acl: None,
            everyone: false,
            hook: None,
            client: None,
        }
    }

    /// The object that is called at the server's URI itself. Without one (or with `()`) the server
    /// serves named objects, and objects that are passed by reference.
    pub fn front(mut self, object: impl IntoFront) -> Self {
        self.front = object.into_front();
        self
    }

    /// An object that is called at the server's URI with `?name` behind it.
    pub fn named(mut self, name: impl Into<String>, object: impl IntoObject) -> Self {
        self.names.insert(name.into(), object.into_object());
        self
    }

    /// What peers can make the server do at most.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long an object that a method has given to a peer is held after it was last used, instead
    /// of [`Objects::LEASE`].
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Who may connect. Others are disconnected before a byte of theirs is read. Unix sockets are
    /// not subject to it: they have the permissions of files.
    pub fn acl(mut self, acl: Acl) -> Self {
        self.acl = Some(acl);
        self
    }

    /// Says that every machine that can reach the server may call it. Without this word or an ACL,
    /// a server listens on loopback addresses and Unix sockets only.
    pub fn allow_everyone(mut self) -> Self {
        self.everyone = true;
        self
    }

    /// Is told of each call that fails, whether by the method or by drb, after the reply is made.
    /// It runs on the connection's task: it mustn't block.
    pub fn on_failed_call(
        mut self,
        hook: impl Fn(&FailedCall<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// What the objects that peers give references to are called through, instead of a client with
    /// the server's limits.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Listens: at a URI, or with `None` or `()` on loopback, on any free port. It has to be called
    /// within a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// [`Error::BadUri`], [`Error::Listen`], or [`Error::Exposed`].
    pub async fn start(self, uri: impl IntoUri) -> Result<Server, Error> {
        let uri = uri.into_uri();
        let Uri { address, option: None, .. } = Uri::parse(&uri)? else {
            let problem = "a server listens without an option; `ServerBuilder::named` gives names";
            return Err(Error::BadUri { uri, problem });
        };
        let failed = |error| Error::Listen { uri: uri.as_str().into(), source: Arc::new(error) };
        let place = Place::find(&address).await.map_err(failed)?;
        if !place.is_local() && self.acl.is_none() && !self.everyone {
            return Err(Error::Exposed { uri: uri.into() });
        }
        let listener = place.listen().await.map_err(failed)?;
        let bound = listener.address(&address).map_err(failed)?;
        let per_connection = matches!(&address, Address::Tcp { host, .. } if host.is_empty());

        let limits = self.limits;
        let mut objects = Objects::new(self.front, limits.exports, self.lease)
            .within(registry::total(), limits.exports_total);
        for (name, object) in self.names {
            objects = objects.with_name(name, object);
        }
        let client = self.client.unwrap_or_else(|| Client::builder().limits(limits).build());
        let uri: Arc<str> = bound.to_string().into();
        let runtime = Handle::current().id();
        let shared = Shared::new(uri, runtime, objects, limits, client, self.acl, self.hook);
        let shared = Arc::new(shared);
        registry::add(&shared);

        let (phase, phases) = watch::channel(Phase::Running);
        let (end, ended) = watch::channel(false);
        let server = Server { shared: Arc::clone(&shared), phase, ended };
        tokio::spawn(accept::run(accept::Accept { shared, listener, per_connection, phases, end }));
        Ok(server)
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("front", &self.front.as_ref().map(|front| front.class()))
            .field("names", &self.names.keys())
            .field("limits", &self.limits)
            .field("acl", &self.acl)
            .finish_non_exhaustive()
    }
}
