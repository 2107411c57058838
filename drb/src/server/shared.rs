//! What all connections of one server share.

use super::{
    Phase,
    counters::{Counts, FireProblem, Refusal, add},
    newcomers::Newcomers,
    open::Open,
    penalties::Penalties,
    seats::Seats,
    stopper::Stopper,
};
use crate::{
    Acl, AclError, Client, Context, DumpError, Exception, Identity, Limit, Limits, Objects, Peer,
    Reference, Session, TlsProblem, dispatch::Dispatch, local::Calls, net::Stream, tls::Accepting,
    users,
};
use drb_core::{Address, Uri, Wire, native::Buffered};
use std::{
    collections::HashSet,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::{
    runtime,
    sync::{mpsc, watch},
};

pub(crate) type Hook = Arc<dyn Fn(&FailedCall<'_>) + Send + Sync>;

pub(crate) type RefusalHook = Arc<dyn Fn(&Refusal<'_>) + Send + Sync>;

pub(crate) type HandOn =
    Arc<dyn Fn(&Reference, &dyn Session) -> Result<Option<Reference>, DumpError> + Send + Sync>;

/// A call that has failed, for a server's hook.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedCall<'a> {
    /// Who has called.
    pub context: &'a Context,
    /// The method, if what arrived got as far as naming one.
    pub method: Option<&'a str>,
    /// What the caller is told.
    pub exception: &'a Exception,
}

pub(crate) struct Shared {
    pub(crate) uri: Arc<str>,
    pub(super) whereabouts: Arc<Whereabouts>,
    /// The same place over the native wire.
    pub(super) native_uri: Arc<str>,
    /// Which of both the server was started at.
    pub(super) wire: Wire,
    pub(crate) objects: Objects,
    pub(crate) limits: Arc<Limits>,
    /// Calls the objects that peers give references to.
    pub(crate) client: Client,
    /// The calls of this process.
    pub(crate) local: Calls,
    acl: RwLock<Option<Arc<Acl>>>,
    hook: Option<Hook>,
    refusal_hook: Option<RefusalHook>,
    pub(super) counts: Counts,
    pub(super) open: Arc<Open>,
    pub(super) newcomers: Arc<Newcomers>,
    pub(super) penalties: Penalties,
    hand_on: Option<HandOn>,
    /// Where it listens, if references carry the address that the peer has connected to.
    per_connection: Option<(Uri, u16)>,
    /// How it speaks TLS, if it does.
    pub(super) tls: Option<Accepting>,
    /// Whether it speaks drbfire, beside both wires.
    pub(super) fire: bool,
    /// How many connections only lead back to clients of drbfire.
    ways_back: AtomicUsize,
    /// Takes connections that the program brings.
    pub(super) streams: mpsc::Sender<Stream>,
    pub(super) phase: watch::Sender<Phase>,
    /// Tells the task that accepts: it looks with each connection.
    pub(super) stopping: Stopper,
    /// Whether the last call has ended.
    pub(super) over: watch::Sender<bool>,
    /// Counts the objects that were withdrawn, and says that the server has ended.
    pub(crate) withdrawals: watch::Sender<u64>,
    pub(super) seats: Arc<Seats>,
    /// Bytes of memory that connections hold for requests.
    pub(super) buffered: Arc<Buffered>,
}

/// What tells a server from others, for those who look for one. It holds no object: whoever looks must
/// not become the last one who holds the objects of a server that isn't the one.
pub(super) struct Whereabouts {
    uri: Arc<str>,
    /// The URIs that references to objects of this server carry: with an address for each one that
    /// a peer has connected to, if the server listens on all.
    uris: RwLock<HashSet<Arc<str>>>,
    /// Where it runs.
    pub(super) runtime: Option<runtime::Id>,
    ended: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        uri: Arc<str>,
        runtime: Option<runtime::Id>,
        objects: Objects,
        limits: Limits,
        client: Client,
    ) -> Self {
        let uris = RwLock::new(HashSet::from([Arc::clone(&uri)]));
        let ended = AtomicBool::new(false);
        let whereabouts = Arc::new(Whereabouts { uri: Arc::clone(&uri), uris, runtime, ended });
        let local = Calls::new(&uri);
        Self {
            native_uri: Arc::clone(&uri),
            wire: Wire::Ruby,
            uri,
            whereabouts,
            objects,
            limits: Arc::new(limits),
            client,
            local,
            acl: RwLock::default(),
            hook: None,
            refusal_hook: None,
            counts: Counts::default(),
            open: Arc::default(),
            newcomers: Arc::default(),
            penalties: Penalties::default(),
            hand_on: None,
            per_connection: None,
            tls: None,
            fire: false,
            ways_back: AtomicUsize::new(0),
            streams: mpsc::channel(1).0,
            phase: watch::Sender::new(Phase::Running),
            stopping: Stopper::default(),
            over: watch::Sender::new(false),
            withdrawals: watch::Sender::new(0),
            seats: Arc::new(Seats::new()),
            buffered: Arc::new(Buffered::new(limits.buffered)),
        }
    }

    /// One that listens nowhere, for objects of this process that are of no other one.
    pub(super) fn within() -> Self {
        let limits = Limits::default();
        let objects = Objects::new(None, limits.exports, Objects::LEASE);
        Self::new("drb:within".into(), None, objects, limits, Client::new())
    }

    /// The URI over the native wire, and which of both is shown to the program.
    pub(super) fn shown_as(mut self, native_uri: Arc<str>, wire: Wire) -> Self {
        (self.native_uri, self.wire) = (native_uri, wire);
        self
    }

    /// Where connections go that the program brings.
    pub(super) fn with_streams(mut self, streams: mpsc::Sender<Stream>) -> Self {
        self.streams = streams;
        self
    }

    /// Another URI that means this server.
    pub(super) fn with_uri(self, uri: Arc<str>) -> Self {
        self.whereabouts.add(uri);
        self
    }

    /// Says who may connect.
    pub(super) fn with_acl(self, acl: Option<Acl>) -> Self {
        Self { acl: RwLock::new(acl.map(Arc::new)), ..self }
    }

    pub(super) fn set_acl(&self, acl: Acl) -> Result<(), AclError> {
        let acl = Arc::new(users::resolve(acl)?);
        *self.acl.write().unwrap_or_else(PoisonError::into_inner) = Some(acl);
        Ok(())
    }

    /// Who may connect, if not everybody may.
    pub(super) fn acl(&self) -> Option<Arc<Acl>> {
        self.acl.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells hooks of calls that fail, and of connections that are refused.
    pub(super) fn with_hooks(self, hook: Option<Hook>, refusal_hook: Option<RefusalHook>) -> Self {
        Self { hook, refusal_hook, ..self }
    }

    /// Lets a hook decide what references peers are given.
    pub(super) fn with_hand_on(mut self, hook: Option<HandOn>) -> Self {
        self.hand_on = hook;
        self
    }

    /// What a peer is given in place of a reference, through `session`.
    pub(crate) fn hand_on(
        &self,
        reference: &Reference,
        session: &dyn Session,
    ) -> Result<Option<Reference>, DumpError> {
        self.hand_on.as_ref().map_or(Ok(None), |hook| hook(reference, session))
    }

    /// Lets references carry the address that the peer has connected to, with this port.
    pub(super) fn per_connection(mut self, uri: Uri, port: u16) -> Self {
        self.per_connection = Some((uri, port));
        self
    }

    /// Lets nobody in but over TLS.
    pub(super) fn with_tls(self, tls: Option<Accepting>) -> Self {
        Self { tls, ..self }
    }

    /// Lets those in as well who speak drbfire. Its own URI is one of that.
    pub(super) fn with_fire(mut self, fire: bool) -> Self {
        self.fire = fire;
        let uris = self.whereabouts.uris().clone();
        for uri in uris {
            self.without_fire(&uri);
        }
        self
    }

    /// The same place for those who come without drbfire.
    pub(super) fn without_fire(&self, uri: &Arc<str>) -> Arc<str> {
        let Some(place) = uri.strip_prefix("drbfire:").filter(|_| self.fire) else {
            return Arc::clone(uri);
        };
        let scheme = if self.tls.is_some() { "drbssl" } else { "druby" };
        self.known(format!("{scheme}:{place}"))
    }

    /// One more connection that only leads back to a client, until what is given is dropped.
    #[cfg(feature = "fire")]
    pub(crate) fn leads_back(self: &Arc<Self>) -> impl Drop + use<> {
        self.ways_back.fetch_add(1, Ordering::SeqCst);
        LeadsBack(Arc::clone(self))
    }

    /// How many there are.
    pub(super) fn ways_back(&self) -> usize {
        self.ways_back.load(Ordering::SeqCst)
    }

    /// Whether it serves within the process only.
    pub(crate) fn is_local(&self) -> bool {
        self.whereabouts.is_local()
    }

    /// The URI that references carry for a peer to which this machine has the address that `local` gives.
    pub(crate) fn uri_for(&self, local: impl FnOnce() -> Option<IpAddr>) -> Arc<str> {
        let here = self.per_connection.as_ref().and_then(|here| Some((here, local()?)));
        let Some(((uri, port), local)) = here else {
            return Arc::clone(&self.uri);
        };
        self.known(uri.at(Address::Tcp { host: local.to_string(), port: *port }).to_string())
    }

    /// A URI that means this server, from now on if it hasn't before.
    fn known(&self, uri: String) -> Arc<str> {
        if let Some(known) = self.whereabouts.uris().get(uri.as_str()) {
            return Arc::clone(known);
        }
        let uri: Arc<str> = uri.into();
        self.whereabouts.add(Arc::clone(&uri));
        uri
    }

    /// Takes the object that a reference means out of the table, if it is one of this server.
    pub(crate) fn withdraw(&self, reference: &Reference) -> bool {
        self.withdrawn(reference).is_some()
    }

    /// The same, and gives the object.
    pub(super) fn withdrawn(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        let here = reference.uri().is_some_and(|uri| self.whereabouts.is_here(uri));
        let object = here.then(|| self.objects.withdraw(reference.id())).flatten()?;
        self.withdrawals.send_modify(|count| *count += 1);
        Some(object)
    }

    /// Takes an object out of the table, under whatever ids it is there.
    pub(super) fn revoked(&self, object: &Arc<dyn Dispatch>) -> bool {
        let ids = self.objects.ids_of(object);
        let revoked = ids.iter().filter(|id| self.objects.withdraw(id).is_some()).count() > 0;
        if revoked {
            self.withdrawals.send_modify(|count| *count += 1);
        }
        revoked
    }

    /// Whether the server takes no more calls.
    pub(crate) fn has_ended(&self) -> bool {
        self.whereabouts.has_ended()
    }

    /// Waits until what runs is to be cut off.
    pub(crate) async fn aborted(&self) {
        // It cannot fail: the sender is here.
        let _ = self.phase.subscribe().wait_for(|phase| *phase == Phase::Aborting).await;
    }

    pub(super) fn end(&self) {
        self.whereabouts.ended.store(true, Ordering::SeqCst);
        self.withdrawals.send_modify(|count| *count += 1);
    }

    /// Counts a connection that is not let in or is closed, and tells the hook: because of a limit, or
    /// because the ACL doesn't allow it.
    pub(crate) fn refused(&self, peer: &Peer, identity: &Identity, limit: Option<Limit>) {
        self.counts.refused(limit);
        self.tell(&Refusal { peer, identity, limit, tls: None, fire: None });
    }

    /// The same where TLS was wrong.
    pub(super) fn refused_tls(&self, peer: &Peer, problem: &TlsProblem) {
        add(&self.counts.failed_handshakes);
        let (identity, tls) = (&Identity::Anonymous, Some(problem));
        self.tell(&Refusal { peer, identity, limit: None, tls, fire: None });
    }

    /// The same where drbfire was.
    pub(super) fn refused_fire(&self, peer: &Peer, identity: &Identity, problem: FireProblem) {
        add(&self.counts.refused_fire);
        self.tell(&Refusal { peer, identity, limit: None, tls: None, fire: Some(&problem) });
    }

    fn tell(&self, refusal: &Refusal<'_>) {
        if let Some(hook) = &self.refusal_hook {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(refusal)));
        }
    }

    /// Counts a failed call, and tells the hook. Whatever that does, it does no harm.
    pub(crate) fn failed(&self, call: &FailedCall<'_>) {
        self.counts.failed(call.exception);
        if let Some(hook) = &self.hook {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(call)));
        }
    }

    /// Takes a change in what one connection holds in memory, if there is room for it.
    pub(super) fn buffer(&self, before: usize, after: usize) -> bool {
        self.buffered.change(before, after)
    }
}

impl Whereabouts {
    /// Whether it serves within the process only.
    pub(super) fn is_local(&self) -> bool {
        self.uri.starts_with("drb+local:")
    }

    /// Whether it is called through a server of drbfire, which nobody but that one can.
    pub(super) fn is_behind(&self) -> bool {
        self.uri.starts_with("drbfire:") && self.uri.contains('?')
    }

    /// Whether that is the server at a URI.
    #[cfg(feature = "fire")]
    pub(super) fn is_behind_that(&self, uri: &str) -> bool {
        self.is_behind() && self.uri.strip_prefix(uri).is_some_and(|rest| rest.starts_with('?'))
    }

    /// Whether it serves within the process under that URI.
    pub(super) fn is_named(&self, uri: &str) -> bool {
        self.is_local() && *self.uri == *uri
    }

    /// Whether a reference with that URI means an object of this server.
    pub(super) fn is_here(&self, uri: &str) -> bool {
        self.uris().contains(uri)
    }

    /// Whether the server takes no more calls.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    fn uris(&self) -> RwLockReadGuard<'_, HashSet<Arc<str>>> {
        self.uris.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, uri: Arc<str>) {
        self.uris.write().unwrap_or_else(PoisonError::into_inner).insert(uri);
    }
}

/// One of the connections that only lead back to clients.
#[cfg(feature = "fire")]
struct LeadsBack(Arc<Shared>);

#[cfg(feature = "fire")]
impl Drop for LeadsBack {
    fn drop(&mut self) {
        self.0.ways_back.fetch_sub(1, Ordering::SeqCst);
    }
}
