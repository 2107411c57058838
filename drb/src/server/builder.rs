//! What a server is made of.

use super::{
    FailedCall, Server, Shared, accept,
    counters::Refusal,
    registry,
    shared::{HandOn, Hook, RefusalHook},
};
use crate::{
    Client, DumpError, Error, IntoFront, IntoObject, IntoUri, Limits, Objects, Reference, Session,
    dispatch::Dispatch,
    net::{Listener, Place},
    tls,
    unix_socket::FileOptions,
    users,
};
use drb_core::{Acl, Address, Uri, Wire};
use nix::sys::resource::{Resource, getrlimit};
use std::{collections::BTreeMap, fmt, io, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::mpsc};

/// So many connections that the program brings wait to be let in; further ones wait with the program.
const STREAMS: usize = 16;

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
    refusal_hook: Option<RefusalHook>,
    client: Option<Client>,
    advertised: Option<String>,
    hand_on: Option<HandOn>,
    files: FileOptions,
    #[cfg(feature = "tls")]
    tls: Option<tls::ServerTls>,
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
            refusal_hook: None,
            client: None,
            advertised: None,
            hand_on: None,
            files: FileOptions::default(),
            #[cfg(feature = "tls")]
            tls: None,
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

    /// Who may connect, over TCP or to a Unix socket. Others are disconnected before a byte of theirs is
    /// read. [`Guard`](crate::Guard) says who may call what, [`Server::set_acl`] replaces the list, and
    /// [`ServerBuilder::on_refusal`] is told of those who were refused.
    ///
    /// (For a Unix socket, that is beside the permissions of its file. In Ruby an ACL means nothing there.)
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

    /// The mode of a Unix socket's file, such as `0o660` (Ruby: `UNIXFileMode`). Who can write to it can
    /// connect. Without this it is what the process's umask leaves.
    ///
    /// Mode, owner and group are set before anybody can connect.
    pub fn unix_file_mode(mut self, mode: u32) -> Self {
        self.files.mode = Some(mode);
        self
    }

    /// The owner of a Unix socket's file, by name or number (Ruby: `UNIXFileOwner`).
    pub fn unix_file_owner(mut self, owner: impl Into<String>) -> Self {
        self.files.owner = Some(owner.into());
        self
    }

    /// The group of a Unix socket's file, by name or number (Ruby: `UNIXFileGroup`).
    pub fn unix_file_group(mut self, group: impl Into<String>) -> Self {
        self.files.group = Some(group.into());
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

    /// Is told of each connection that is not let in because of the ACL or a limit, and of each one that is
    /// closed because of a limit. It runs where connections are accepted: it mustn't block. What was counted
    /// so far, [`Server::counters`] tells.
    pub fn on_refusal(mut self, hook: impl Fn(&Refusal<'_>) + Send + Sync + 'static) -> Self {
        self.refusal_hook = Some(Arc::new(hook));
        self
    }

    /// What the objects that peers give references to are called through, instead of a client with
    /// the server's limits.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The URI that references to the server's objects carry, and that [`Server::uri`] gives, instead of
    /// the one that it listens at: where others have to connect to, if there is an address translation
    /// or a relay in between. The port 0 stands for the one that the server has.
    pub fn advertise(mut self, uri: impl Into<String>) -> Self {
        self.advertised = Some(uri.into());
        self
    }

    /// Decides what the server's peers are given in place of a reference that is handed on to them: in
    /// results, in what is yielded to their blocks, and in arguments of calls that are made while this
    /// is the [current server](crate::current_server). `None` is the reference as it is, which is
    /// also what happens without such a hook.
    ///
    /// It is for a gateway, whose peers on one network can't reach the objects on another: it
    /// [exports](Session::export) an object of its own that passes calls on, as the example `gateway`
    /// does. References to objects of this process come by as well, if it hands them on as references.
    pub fn hand_on(
        mut self,
        hook: impl Fn(&Reference, &dyn Session) -> Result<Option<Reference>, DumpError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hand_on = Some(Arc::new(hook));
        self
    }

    /// How the server speaks TLS. It has to be started at `drbssl://` or `drbs://` then, and lets nobody in
    /// without TLS; within it, it serves both wires as ever. (Feature `tls`.)
    ///
    /// At `drbfire://` it means that it is within TLS.
    ///
    /// A server that serves some with TLS and others without is two servers, which may have the same
    /// objects.
    ///
    /// Unless there is another [client](Self::client), it calls back over TLS as well if it
    /// [asks its clients for certificates](tls::ServerTls::require_clients): with its own certificate, and
    /// whom it trusts as clients, it trusts as servers of their names.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: tls::ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Listens for both wires: at a URI of either, or with `None` or `()` on loopback, on any free
    /// port. At `drb+local:name` it listens nowhere: it is there for this process alone, whoever knows
    /// the name. It has to be called within a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// [`Error::BadUri`], [`Error::Listen`], [`Error::Acl`], or [`Error::Exposed`].
    pub async fn start(self, uri: impl IntoUri) -> Result<Server, Error> {
        let uri = uri.into_uri();
        let bad = |problem| Err(Error::BadUri { uri: uri.clone(), problem });
        let asked = Uri::parse(&uri)?;
        if asked.option.is_some() {
            return bad("a server listens without an option; `ServerBuilder::named` gives names");
        }
        if asked.fire && !cfg!(feature = "fire") {
            return bad("`drbfire://` needs the feature `fire` of the crate drb");
        }
        match (asked.tls, self.speaks_tls()) {
            // Its URIs don't say.
            _ if asked.fire => {}
            (true, false) if !cfg!(feature = "tls") => return bad(tls::OFF),
            (true, false) => {
                return bad("a server with TLS needs a certificate: `ServerBuilder::tls`");
            }
            (false, true) => {
                return bad(
                    "a server with `ServerBuilder::tls` starts at drbssl://, drbs:// or drbfire://",
                );
            }
            _ => {}
        }
        let failed = |error| Error::Listen { uri: uri.as_str().into(), source: Arc::new(error) };
        if let Address::Local { name } = asked.address {
            return self.start_within(name);
        }
        let place = Place::find(&asked.address).await.map_err(failed)?;
        let opened = self.acl.is_some() || self.everyone || self.keeps_strangers_out();
        if !place.is_local() && !opened {
            return Err(Error::Exposed { uri: uri.into() });
        }
        let advertised = self.advertised(&asked)?;
        let listener = place.listen(&self.files).await.map_err(failed)?;
        let bound = asked.at(listener.address(&asked.address).map_err(failed)?);
        self.serve(&asked, bound, advertised, Some(listener))
    }

    /// Starts a server that listens nowhere: it serves the connections that it is given with
    /// [`Server::serve_stream`]. `uri` is where others reach it, as far as they know: it is what
    /// [`Server::uri`] gives and what references carry on Ruby's wire, of which the address is looked
    /// up by nobody here.
    ///
    /// It has to be called within a tokio runtime with time enabled. Since nobody can connect unless
    /// the program lets them, it needs no ACL.
    ///
    /// # Errors
    /// [`Error::BadUri`], also for a URI without a host or with port 0.
    pub fn start_without_listener(self, uri: &str) -> Result<Server, Error> {
        let asked = advertised(uri)?;
        if let Address::Local { name } = asked.address {
            return self.start_within(name);
        }
        if matches!(asked.address, Address::Tcp { port: 0, .. }) {
            let problem = "no system picks a port here; write the one that others connect to";
            return Err(Error::BadUri { uri: uri.to_owned(), problem });
        }
        let advertised = self.advertised(&asked)?;
        self.serve(&asked, asked.clone(), advertised, None)
    }

    /// Starts a server that listens nowhere, and is called through another one, at `drbfire://host:port`: for a
    /// process that nobody can connect to (Ruby: `DRb.start_service(uri, front, DRbFire::ROLE =>
    /// DRbFire::CLIENT)`). (Feature `fire`.)
    ///
    /// It connects there and is given a number, so that its URI is `drbfire://host:port?number`. That is what
    /// references carry that this process passes in calls at `drbfire://host:port`, and only the process there
    /// can follow them. It connects through the [client](Self::client) of the server: within TLS, if that was
    /// built with `ClientBuilder::tls`.
    ///
    /// When the connection to that server is lost, this one stops ([`Server::wait`]), since nobody can call it
    /// any more: what was passed before is lost as well, and a new one has another number.
    ///
    /// ```no_run
    /// # async fn example(news: impl drb::IntoFront) -> drb::Result<()> {
    /// let uri = "drbfire://news.example:9000";
    /// let here = drb::Server::builder().start_behind(uri).await?;
    /// let reader: drb::Object = drb::Object::connect(uri).await?;
    /// // reader.call("subscribe", (…,)) …
    /// here.wait().await; // until the connection is lost
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadUri`]; [`Error::Connect`] and [`Error::Tls`], as for a client.
    #[cfg(feature = "fire")]
    pub async fn start_behind(mut self, uri: &str) -> Result<Server, Error> {
        let bad = |problem| Err(Error::BadUri { uri: uri.to_owned(), problem });
        let server = Uri::parse(uri)?;
        match (&server, &self.advertised) {
            (Uri { fire: false, .. }, _) => {
                return bad(
                    "only through a server of drbfire a process is called that listens nowhere",
                );
            }
            (Uri { option: Some(_), .. }, _) => return bad("the server itself gives the number"),
            (_, Some(_)) => return bad("a server behind another one has no address to advertise"),
            _ if self.speaks_tls() => {
                return bad(
                    "a client speaks TLS here: `ServerBuilder::client`, with `ClientBuilder::tls`",
                );
            }
            _ => {}
        }
        let limits = self.limits;
        let client = self.client.get_or_insert_with(|| Client::builder().limits(limits).build());
        let behind = crate::fire::Behind::connect(server, client.clone()).await?;
        let uri = behind.uri();
        let server = self.serve(&uri, uri.clone(), None, None)?;
        tokio::spawn(behind.run(server.clone()));
        Ok(server)
    }

    /// What others are told in place of where it listens.
    fn advertised(&self, asked: &Uri) -> Result<Option<Uri>, Error> {
        let Some(uri) = &self.advertised else { return Ok(None) };
        let advertised = advertised(uri)?;
        if advertised.fire != asked.fire {
            let problem = "a server at drbfire:// is advertised at drbfire://, and no other one is";
            return Err(Error::BadUri { uri: uri.clone(), problem });
        }
        Ok(Some(advertised))
    }

    /// Serves under a name within the process.
    fn start_within(self, mut name: String) -> Result<Server, Error> {
        if let Some(uri) = self.advertised {
            let problem = "a server within the process has no other address; start it at this one";
            return Err(Error::BadUri { uri, problem });
        }
        if name.is_empty() {
            name = registry::new_name();
        }
        let asked = Uri::parse("drb+local:")?.at(Address::Local { name });
        self.serve(&asked, asked.clone(), None, None)
    }

    #[cfg(feature = "tls")]
    fn speaks_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn speaks_tls(&self) -> bool {
        false
    }

    /// Whether nobody gets in but those who were given a certificate.
    #[cfg(feature = "tls")]
    fn keeps_strangers_out(&self) -> bool {
        self.tls.as_ref().is_some_and(tls::ServerTls::keeps_strangers_out)
    }

    #[cfg(not(feature = "tls"))]
    fn keeps_strangers_out(&self) -> bool {
        false
    }

    #[cfg(feature = "tls")]
    fn accepting(&self) -> Result<Option<tls::Accepting>, io::Error> {
        self.tls.as_ref().map(tls::ServerTls::accepting).transpose().map_err(io::Error::other)
    }

    #[cfg(not(feature = "tls"))]
    fn accepting(&self) -> Result<Option<tls::Accepting>, io::Error> {
        Ok(None)
    }

    /// The client that calls back, if the program gives none.
    fn own_client(&self, limits: Limits) -> Client {
        let client = Client::builder().limits(limits);
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.as_ref().and_then(tls::ServerTls::calls_back) {
            return client.tls(tls).build();
        }
        client.build()
    }

    fn serve(
        self,
        asked: &Uri,
        bound: Uri,
        advertised: Option<Uri>,
        listener: Option<Listener>,
    ) -> Result<Server, Error> {
        let tls = self.accepting().map_err(|error| Error::Listen {
            uri: asked.to_string().into(),
            source: Arc::new(error),
        })?;
        let limits = Limits { connections: connections(&self.limits), ..self.limits };
        let client = self.client.clone().unwrap_or_else(|| self.own_client(limits));
        let acl = self.acl.map(users::resolve).transpose()?;
        let mut objects = Objects::new(self.front, limits.exports, self.lease)
            .within(registry::total(), limits.exports_total);
        for (name, object) in self.names {
            objects = objects.with_name(name, object);
        }
        let uri = match advertised {
            Some(Uri { address: Address::Tcp { host, port: 0 }, tls, .. }) => {
                let port = if let Address::Tcp { port, .. } = bound.address { port } else { 0 };
                let mut uri = bound.at(Address::Tcp { host, port });
                uri.tls = tls;
                uri
            }
            Some(advertised) => advertised,
            None => bound.clone(),
        };
        let (wire, within) = (asked.wire, matches!(asked.address, Address::Local { .. }));
        let ruby = if within { Wire::Native } else { Wire::Ruby };
        // A number of drbfire is part of the place.
        let place = |uri: &Uri| {
            let mut place = uri.clone();
            place.wire = ruby;
            place.to_string()
        };
        let fire = asked.fire && asked.option.is_none();
        let native = match (asked.fire, fire) {
            (true, true) => {
                let mut native = uri.clone();
                native.tls = tls.is_some();
                native.front(Wire::Native)
            }
            (true, false) => place(&uri),
            (false, _) => uri.front(Wire::Native),
        };
        let bound_at = place(&bound).into();
        let (streams, brought) = mpsc::channel(STREAMS);
        let (uri, runtime) = (place(&uri).into(), Some(Handle::current().id()));
        let shared = Shared::new(uri, runtime, objects, limits, client)
            .with_acl(acl)
            .with_hooks(self.hook, self.refusal_hook)
            .with_uri(bound_at)
            .with_tls(tls)
            .with_fire(fire)
            .with_hand_on(self.hand_on)
            .with_streams(streams)
            .shown_as(native.into(), wire);
        let shared = Arc::new(match (&self.advertised, &asked.address, &bound.address) {
            (None, Address::Tcp { host, .. }, &Address::Tcp { port, .. }) if host.is_empty() => {
                let mut at = bound;
                at.wire = Wire::Ruby;
                shared.per_connection(at, port)
            }
            _ => shared,
        });
        match shared.is_local() {
            true => registry::add_named(&shared)?,
            false => registry::add(&shared),
        }
        tokio::spawn(accept::run(Arc::clone(&shared), listener, brought));
        Ok(Server { shared })
    }
}

/// So many connections leave files for everything else.
fn connections(limits: &Limits) -> usize {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((files, _)) => {
            let files = usize::try_from(files).unwrap_or(usize::MAX);
            limits.connections.min(files / 100 * 80 + files % 100 * 80 / 100)
        }
        Err(_) => limits.connections,
    }
}

fn advertised(uri: &str) -> Result<Uri, Error> {
    let bad = |problem| Error::BadUri { uri: uri.to_owned(), problem };
    match Uri::parse(uri)? {
        Uri { option: Some(_), .. } => Err(bad("a server is advertised without an option")),
        Uri { address: Address::Tcp { host, .. }, .. } if host.is_empty() => {
            Err(bad("others need a host to connect to; write druby://host:port"))
        }
        uri => Ok(uri),
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
