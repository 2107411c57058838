//! References: what travels in place of an object that stays at home.

use crate::{
    Dumper, Limits, Remote,
    dispatch::{Dispatch, MethodInfo, Signature},
    error::DumpError,
    native::{Connection, Tables},
};
use std::{any::Any, sync::Arc, time::Instant};

/// Names one object of one process.
///
/// Two references are equal when they mean the same object.
///
/// ```
/// use drb_core::{ObjectId, Reference};
///
/// let front = Reference::new("druby://localhost:9000", ObjectId::Front);
/// assert_eq!(front.uri(), Some("druby://localhost:9000"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    uri: Option<Arc<str>>,
    id: ObjectId,
}

/// Which object of a process a [`Reference`] means.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectId {
    /// The object that the server was started with (Ruby: `nil`).
    Front,
    /// An exported object.
    Number(i64),
    /// An object that was given a name: what follows the `?` in a URI (Ruby: `DRbURIOption`).
    Name(Arc<str>),
    /// An object in a place of a table of a connection of the native wire; the generation tells it
    /// from those that were there before it.
    Slot {
        /// The connection's table.
        table: u64,
        /// The place.
        slot: u32,
        /// Which of those that have been there.
        generation: u32,
    },
    /// The object that a call over a connection of the native wire is going to give.
    Promise {
        /// The connection's table.
        table: u64,
        /// Which of the connection's promises.
        number: u64,
    },
    /// Anything else that a Ruby server uses as an id, as the Marshal stream that it is.
    Opaque(Arc<[u8]>),
}

impl Reference {
    /// The object `id` of the process that serves `uri`.
    pub fn new(uri: impl Into<Arc<str>>, id: ObjectId) -> Self {
        Self { uri: Some(uri.into()), id }
    }

    /// An object of a process that serves no address (a Ruby client on a Unix socket).
    pub fn without_uri(id: ObjectId) -> Self {
        Self { uri: None, id }
    }

    /// Where the object's process can be reached.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// Which of the process's objects it is.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }
}

/// What dumping and loading need to know of the peer: how an object of ours becomes a reference
/// that the peer can call, and how one of the peer's becomes something that we can call.
pub trait Session: Any + Send + Sync {
    /// Makes an object of this process callable by the peer.
    ///
    /// # Errors
    /// [`DumpError::NoServer`] if this process serves no address; a limit of exports.
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError>;

    /// The same for as long as it takes until it is [withdrawn](Session::withdraw), rather than for
    /// a lease: a block lives as long as the call that it is passed to.
    ///
    /// # Errors
    /// As [`Session::export`].
    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError>;

    /// The time, on the clock that the connection goes by.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Takes back an export of the object in a place, in a message that is never sent. Only the native
    /// wire counts exports.
    fn take_back(&self, _slot: u32, _generation: u32) {}

    /// What holds an object of the peer's, for as long as a message that refers to it is not sent. Only
    /// the native wire counts what is held.
    fn holding(&self, _: &Reference) -> Option<Remote> {
        None
    }

    /// The connection, if it is a native one.
    fn connection(self: Arc<Self>) -> Option<Arc<Connection>> {
        None
    }

    /// The shapes that the connection knows by number, on the native wire.
    fn tables(&self) -> Option<&Arc<Tables>> {
        None
    }

    /// The peer calls a method of which it knows something else than what this side does: lets it know, on
    /// the native wire.
    fn tell_apart(&self, signature: &Signature, own: &MethodInfo) {
        if let Some(tables) = self.tables() {
            tables.tell_apart(signature.address(), own.to_string());
        }
    }

    /// Ends what [`Session::export`] or [`Session::lend`] has begun: whoever calls the object now is
    /// told that it is gone.
    fn withdraw(&self, reference: &Reference);

    /// The object itself, if the reference means one of this process.
    fn local(&self, reference: &Reference) -> Option<Arc<dyn Dispatch>>;

    /// The untyped proxy of an object elsewhere.
    fn remote(&self, reference: Reference) -> Remote;

    /// What the peer is given in place of a reference that is handed on to it, also within a
    /// [`Value`](crate::Value); `None` for the reference itself. It says where its object is, so
    /// only a gateway has to do something here.
    ///
    /// # Errors
    /// As [`Session::export`].
    fn hand_on(&self, _: &Reference) -> Result<Option<Reference>, DumpError> {
        Ok(None)
    }
}

impl ObjectId {
    /// A stream of Ruby's Marshal.
    ///
    /// # Errors
    /// It is of the native wire, and has no name elsewhere.
    pub(crate) fn to_marshal(&self) -> Result<Vec<u8>, DumpError> {
        let mut stream = Vec::new();
        let mut dumper = Dumper::marshal(&mut stream, &Limits::default(), None);
        dumper.object_id(self)?;
        dumper.finish()?;
        Ok(stream)
    }
}
