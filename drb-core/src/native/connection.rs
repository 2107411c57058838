//! One connection, as everybody in this process shares it.

use super::{Protocol, Tables};
use crate::{
    Carried, DumpError, Limits, ObjectId, Reference, Relay, Remote, Request, Session, TlsProblem,
    dispatch::{Dispatch, MethodInfo, Signature},
};
use foldhash::fast::RandomState;
use std::{
    any::Any,
    collections::HashMap,
    fmt,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak,
        atomic::{AtomicU8, Ordering},
    },
    task::Context,
    time::Instant,
};

/// A connection of the native wire. The driver of its socket has it, and everybody who holds one of
/// the peer's objects.
pub struct Connection {
    protocol: Mutex<Protocol>,
    stage: AtomicU8,
    tables: Arc<Tables>,
    limits: Arc<Limits>,
    uri: Arc<str>,
    home: Box<dyn Home>,
    outlet: OnceLock<Arc<dyn Outlet>>,
    /// Why the peer has never let this side in.
    kept_out: OnceLock<TlsProblem>,
}

/// The connections of this process, by the tables of their peers' objects: these are numbered here.
pub(super) static CONNECTIONS: LazyLock<RwLock<HashMap<u64, Weak<Connection>, RandomState>>> =
    LazyLock::new(RwLock::default);

/// The object of a peer's that a reference means, as one of this process; `None` if it is no object of a
/// native connection, or is held no longer.
pub fn relay(reference: &Reference) -> Option<Arc<dyn Dispatch>> {
    let ObjectId::Slot { table, slot, generation } = *reference.id() else { return None };
    let connections = CONNECTIONS.read().unwrap_or_else(PoisonError::into_inner);
    let connection = connections.get(&table).and_then(Weak::upgrade);
    drop(connections);
    let import = connection?.protocol().imports.get((slot, generation));
    Some(import?.relay())
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut connections = CONNECTIONS.write().unwrap_or_else(PoisonError::into_inner);
        connections.remove(&self.tables.peer_objects);
    }
}

/// How far a connection has come. Whoever calls can see it without asking the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nobody is connected yet.
    New,
    /// Calls can be made.
    Open,
    /// The peer takes no further calls, or is gone.
    Over,
}

/// What a connection has to ask the process that it is one of.
pub trait Home: Any + Send + Sync {
    /// The way to an object of this process.
    fn local(&self, object: Arc<dyn Dispatch>) -> Remote;

    /// Makes a call, within its deadline: it takes it out of the request. What becomes of it, `carried`, is to be
    /// polled next, with the same `context`.
    fn carry(
        &self,
        connection: Arc<Connection>,
        request: &mut Request,
        context: &Context<'_>,
        carried: &mut Carried,
    );

    /// The way to an object elsewhere, which was named by its URI.
    fn remote(&self, reference: Reference) -> Remote;

    /// The time, on the clock that the connection goes by.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// An object of this process that a reference without a connection means, or one with a URI.
    fn object(&self, _: &Reference) -> Option<Arc<dyn Dispatch>> {
        None
    }
}

/// Where a connection's bytes go.
pub trait Outlet: Send + Sync {
    /// Sends what the protocol has to be sent, unless somebody else is at it, and says whether all of it
    /// has gone out. It doesn't wait, and doesn't keep the protocol while it writes.
    fn send(&self, protocol: MutexGuard<'_, Protocol>) -> bool;

    /// Ends the connection if it is left, holds nothing whose destructors could run, and has nothing to send; unless
    /// somebody is at it who sees that, too.
    fn end(&self);
}

impl Connection {
    /// A connection that begins.
    pub fn new(limits: &Arc<Limits>, uri: Arc<str>, home: impl Home + 'static) -> Arc<Self> {
        Self::with_tables(limits, uri, home, Tables::new())
    }

    /// One that begins in the place of this one, which is over. A call that was dumped for this one, and refers
    /// to nothing that belongs to it, can be made there.
    pub fn following(&self, home: impl Home + 'static) -> Arc<Self> {
        Self::with_tables(&self.limits, Arc::clone(&self.uri), home, self.tables.following())
    }

    fn with_tables(
        limits: &Arc<Limits>,
        uri: Arc<str>,
        home: impl Home + 'static,
        tables: Tables,
    ) -> Arc<Self> {
        let (table, tables) = (tables.peer_objects, Arc::new(tables));
        let connection = Arc::new(Self {
            protocol: Mutex::new(Protocol::new(limits, Arc::clone(&tables))),
            stage: AtomicU8::new(Stage::New as u8),
            tables,
            limits: Arc::clone(limits),
            uri,
            home: Box::new(home),
            outlet: OnceLock::new(),
            kept_out: OnceLock::new(),
        });
        let mut connections = CONNECTIONS.write().unwrap_or_else(PoisonError::into_inner);
        connections.insert(table, Arc::downgrade(&connection));
        drop(connections);
        connection
    }

    /// What the connection knows. Destructors of objects and of proxies mustn't run while this is
    /// held.
    pub fn protocol(&self) -> MutexGuard<'_, Protocol> {
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets callers send where nobody else has anything to send, rather than wake whoever does that.
    pub fn send_through(&self, outlet: Arc<dyn Outlet>) {
        if self.outlet.set(outlet).is_ok() {
            self.protocol().let_callers_send();
        }
    }

    /// Whether somebody moves its bytes, or has.
    pub fn is_made(&self) -> bool {
        self.outlet.get().is_some()
    }

    /// Sends a call, or an answer, that is left to its caller.
    pub(super) fn send(&self, protocol: MutexGuard<'_, Protocol>) {
        if !self.outlet.get().is_some_and(|outlet| outlet.send(protocol)) {
            self.protocol().leave_to_sender();
        }
    }

    /// The one who has made it needs it no longer, but for what is held. If that is nothing, it ends here and now.
    pub fn leave(&self) {
        self.protocol().leave();
        if let Some(outlet) = self.outlet.get() {
            outlet.end();
        }
    }

    /// How far it has come.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::New,
            1 => Stage::Open,
            _ => Stage::Over,
        }
    }

    /// Says that it has come further.
    pub fn reach(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    /// Its bytes have come to an end, because of this.
    pub fn broken(&self, error: std::io::Error) {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsProblem>());
        if let Some(problem) = inner {
            let _ = self.kept_out.set(problem.clone());
        }
    }

    pub(super) fn kept_out(&self) -> Option<&TlsProblem> {
        self.kept_out.get()
    }

    /// The shapes that both sides know by number.
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// Where the peer is, for errors.
    pub fn uri(&self) -> &Arc<str> {
        &self.uri
    }

    /// The process that it is one of.
    pub fn home(&self) -> &dyn Home {
        &*self.home
    }

    /// The bounds that it keeps.
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// How many objects the peer holds of this process, and this process of the peer.
    pub fn held(&self) -> (usize, usize) {
        let protocol = self.protocol();
        (protocol.exports.len(), protocol.imports.len())
    }

    fn reference(&self, (slot, generation): (u32, u32)) -> Reference {
        let table = self.tables.own_objects;
        Reference::without_uri(ObjectId::Slot { table, slot, generation })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Session for Connection {
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        let place = self.protocol().exports.add(object, self.limits.exports)?;
        Ok(self.reference(place))
    }

    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        self.export(object)
    }

    fn now(&self) -> Instant {
        self.home.now()
    }

    fn hand_on(&self, reference: &Reference) -> Result<Option<Reference>, DumpError> {
        let object = match *reference.id() {
            // It was withdrawn, or it would go as an object. As long as the peer has it from before, it
            // is counted as ever.
            ObjectId::Slot { table, slot, generation } if table == self.tables.own_objects => {
                return match self.protocol().exports.count(slot, generation) {
                    true => Ok(Some(reference.clone())),
                    false => Err(DumpError::custom("a reference to an object that is gone")),
                };
            }
            ObjectId::Slot { table, .. } if table == self.tables.peer_objects => None,
            ObjectId::Slot { .. } => relay(reference).or_else(|| self.home.object(reference)),
            // One of this process goes as such, also if it has a URI: the peer may have no way there.
            _ => self.home.object(reference),
        };
        object.map(|object| self.export(object)).transpose()
    }

    fn take_back(&self, slot: u32, generation: u32) {
        let mut protocol = self.protocol();
        let object = protocol.exports.release(slot, generation, 1);
        protocol.settle();
        drop(protocol);
        // Its destructor runs where nothing is locked.
        drop(object);
    }

    fn holding(&self, reference: &Reference) -> Option<Remote> {
        match *reference.id() {
            ObjectId::Slot { table, slot, generation } if table == self.tables.peer_objects => {
                let import = self.protocol().imports.get((slot, generation))?;
                Some(Remote::new(import, reference.clone()))
            }
            _ => None,
        }
    }

    fn connection(self: Arc<Self>) -> Option<Arc<Self>> {
        Some(self)
    }

    fn tables(&self) -> Option<&Arc<Tables>> {
        Some(&self.tables)
    }

    fn tell_apart(&self, signature: &Signature, own: &MethodInfo) {
        self.protocol().tell_apart(signature, own);
    }

    fn withdraw(&self, reference: &Reference) {
        if let ObjectId::Slot { table, slot, generation } = *reference.id()
            && table == self.tables.own_objects
        {
            let mut protocol = self.protocol();
            let removed = protocol.exports.remove(slot, generation);
            protocol.settle();
            drop(protocol);
            // Its destructor runs where nothing is locked.
            drop(removed);
        }
    }

    fn local(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>> {
        match *reference.id() {
            ObjectId::Slot { table, slot, generation } if table == self.tables.own_objects => {
                self.protocol().exports.get(slot, generation)
            }
            _ => None,
        }
    }

    fn remote(&self, reference: Reference) -> Remote {
        match *reference.id() {
            ObjectId::Slot { table, slot, generation } if table == self.tables.peer_objects => {
                let import = self.protocol().imports.get((slot, generation));
                match import {
                    Some(import) => Remote::new(import, reference),
                    // A message that says that there are no references in it has one.
                    None => self.home.remote(reference),
                }
            }
            ObjectId::Slot { table, slot, generation } if table == self.tables.own_objects => {
                let object = self.protocol().exports.get(slot, generation);
                match object {
                    Some(object) => {
                        Relay::behind(&object).unwrap_or_else(|| self.home.local(object))
                    }
                    None => self.home.remote(reference),
                }
            }
            _ => self.home.remote(reference),
        }
    }
}
