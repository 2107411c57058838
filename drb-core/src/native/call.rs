//! A call over the native wire: from its request to its response.

use super::{
    Arrived, Called, Calling, Connection, Ending, Mentioned, Promised, Protocol, Sending, Stage,
    imports::{Import, Place},
    pipeline,
};
use crate::{
    Carried, Carrier, Closing, Error, Limits, Link, ObjectId, Outcome, Reference, Remote, Response,
    Session, Wire, dispatch::Signature,
};
use std::{
    borrow::Cow,
    fmt,
    future::Future,
    hint::cold_path,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// What a request says beside its arguments.
pub struct Asking {
    /// The object that is called.
    pub target: ObjectId,
    /// Which method.
    pub method: Method,
    /// How many arguments there are; those by name count as one.
    pub count: usize,
    pub(crate) keywords: bool,
    /// The block: a place in this side's table, and its generation.
    pub block: Option<(u32, u32)>,
    /// What it refers to, until it is sent.
    pub sending: Sending,
    /// Under which number the peer is to keep the answer.
    pub(crate) promise: Option<u64>,
    /// The promise on whose object it is a call.
    pub(crate) promised: Option<Arc<Promised>>,
}

/// The method that a request asks for.
#[derive(Debug)]
pub enum Method {
    /// One of which a proxy knows this.
    Known(&'static Signature),
    /// One of which nothing is known but its name.
    Named(Cow<'static, str>),
}

impl Method {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(signature) => signature.name(),
            Self::Named(name) => name,
        }
    }

    /// What the proxy knows of it.
    pub fn signature(&self) -> Option<&'static Signature> {
        match self {
            Self::Known(signature) => Some(signature),
            Self::Named(_) => None,
        }
    }
}

/// What a message refers to, while it is loaded.
///
/// Nearly no message refers to anything, and responses are moved about.
#[derive(Default)]
pub struct Held(Option<Box<Holding>>);

#[derive(Default)]
#[allow(dead_code, reason = "some of it is there to be dropped")]
struct Holding {
    /// The peer's, in the order in which the message refers to them. Each can be taken by whatever is
    /// loaded in its place.
    objects: Vec<HeldObject>,
    within: Vec<Arc<dyn Link>>,
    home: Option<CameHome>,
}

/// One of them, until it is taken.
pub(super) type HeldObject = (Place, Option<Arc<Import>>);

impl Held {
    /// Objects of this process, in a message that stays within it.
    pub fn within(objects: Vec<Arc<dyn Link>>) -> Self {
        Self(Some(Box::new(Holding { within: objects, ..Holding::default() })))
    }

    pub(super) fn objects(&mut self) -> &mut [HeldObject] {
        self.0.as_mut().map(|held| &mut held.objects[..]).unwrap_or_default()
    }
}

/// Objects of this process that have come home.
struct CameHome {
    connection: Arc<Connection>,
    mentioned: Mentioned,
}

impl Drop for CameHome {
    fn drop(&mut self) {
        self.connection.came_home(&self.mentioned);
    }
}

impl Asking {
    #[inline]
    pub(crate) fn new(target: ObjectId, method: Method, count: usize) -> Self {
        Self {
            target,
            method,
            count,
            keywords: false,
            block: None,
            sending: Sending::default(),
            promise: None,
            promised: None,
        }
    }

    /// The call passes a block.
    pub(crate) fn pass(&mut self, block: Option<&Reference>) {
        self.block = block.and_then(|block| match *block.id() {
            ObjectId::Slot { slot, generation, .. } => Some((slot, generation)),
            _ => None,
        });
    }
}

impl crate::Request {
    /// The connection that the arguments were dumped for, if calls can be made on it. It is taken out:
    /// the call is to be made there.
    pub fn take_open(&mut self) -> Option<Arc<Connection>> {
        let connection = self.session.take()?.connection()?;
        match connection.stage() {
            Stage::Open => Some(connection),
            _ => {
                self.session = Some(connection);
                None
            }
        }
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, count, .. } = self;
        f.debug_struct("Asking")
            .field("target", target)
            .field("count", count)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// A call that waits for its answer. Dropping it cancels the call.
pub struct Waiting {
    /// `None` when it has its answer.
    connection: Option<Arc<Connection>>,
    id: u32,
    /// What the proxy knows of the method.
    signature: Option<&'static Signature>,
    /// How long it may take.
    after: Duration,
    /// Whether it is known already who is to be woken.
    expected: bool,
    /// What the call is made on, until it has its answer.
    promised: Option<Arc<Promised>>,
}

impl Connection {
    /// Makes a call, which it takes out of the request, and which goes to where it stays. If a `context` is given, that
    /// is to be polled next, with it.
    ///
    /// It fails if the connection has ended, or the request is not one for this wire.
    pub fn call(
        self: Arc<Self>,
        request: &mut crate::Request,
        context: Option<&Context<'_>>,
        carried: &mut Carried,
    ) {
        let promised = request.native.as_ref().and_then(|native| native.promised.as_ref());
        if let Some(promised) = promised {
            cold_path();
            let made = match promised.is_of(&self) {
                true => promised.make(),
                false => Err(self.lost(Outcome::NotExecuted)),
            };
            if let Err(error) = made {
                *carried = Carried::failed(error);
                return;
            }
        }
        let made = self.make(request, context, |waiting| *carried = Carried::Waiting(waiting));
        if let Err(error) = made {
            *carried = Carried::failed(error);
        }
    }

    /// The same, the object being there or promised by a call that was made.
    #[inline]
    pub(super) fn make(
        self: Arc<Self>,
        request: &mut crate::Request,
        context: Option<&Context<'_>>,
        made: impl FnOnce(Waiting),
    ) -> Result<(), Error> {
        let now = || self.home().now();
        let deadline = match request.until {
            None => request.deadline,
            Some(_) => request.time_left(now())?,
        };
        let crate::Request { bytes, session, native, .. } = request;
        let Some(native) = native else {
            let problem = "a request of another wire".to_owned();
            return Err(Error::Protocol { uri: Arc::clone(self.uri()), problem });
        };
        let Asking { ref target, ref method, count, keywords, block, .. } = *native;
        let signature = method.signature();
        let Asking { ref mut sending, promise, ref mut promised, .. } = *native;
        let (shapes, references) = (sending.shapes, sending.references);
        let mut call = Calling {
            target,
            method: method.name(),
            signature,
            count,
            keywords,
            block,
            deadline,
            promise,
            body: bytes,
            tail: sending.tail.take(),
            shapes,
            references,
        };
        let mut protocol = self.protocol();
        // The numbers of objects mean nothing to another connection, and those of shapes only to one that has the
        // same.
        let bound = references || block.is_some() || promise.is_some();
        let fits = || {
            session.as_ref().is_none_or(|session| {
                let has_shapes =
                    || session.tables().is_some_and(|own| own.has_shapes_of(self.tables()));
                std::ptr::addr_eq(Arc::as_ptr(session), Arc::as_ptr(&self))
                    || (!bound && has_shapes())
            })
        };
        if protocol.has_ended() || ((bound || shapes > 0) && !fits()) {
            cold_path();
            drop(protocol);
            return Err(self.lost(Outcome::NotExecuted));
        }
        let waker = context.map(Context::waker);
        let id = protocol.call(&mut call, now, waker).map_err(Error::Dump)?;
        match protocol.is_left_to_caller() {
            true => self.send(protocol),
            false => drop(protocol),
        }
        sending.sent();
        let after = deadline.unwrap_or_default();
        let (expected, promised) = (waker.is_some(), promised.take());
        made(Waiting { connection: Some(self), id, signature, after, expected, promised });
        Ok(())
    }

    fn lost(&self, outcome: Outcome) -> Error {
        if let Some(problem) = self.kept_out() {
            return Error::Tls { uri: Arc::clone(self.uri()), problem: problem.clone() };
        }
        let closed = match self.protocol().closed() {
            None => io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed"),
            Some(why) => io::Error::new(
                io::ErrorKind::ConnectionAborted,
                format!("the peer has closed the connection: {why}"),
            ),
        };
        Error::ConnectionLost { uri: Arc::clone(self.uri()), outcome, source: Arc::new(closed) }
    }

    /// Holds what a message refers to, while it is loaded. What is kept of it goes on being held, and
    /// what is not, because it was skipped or the loading failed, is given back.
    ///
    /// # Errors
    /// The message is malformed, or exceeds a limit.
    pub fn hold(self: &Arc<Self>, called: &Called<'_>) -> Result<Held, crate::LoadError> {
        let home = (!called.home.is_empty()).then(|| {
            let mentioned = Mentioned { receivers: called.home.clone(), ..Mentioned::default() };
            CameHome { connection: Arc::clone(self), mentioned }
        });
        let mut protocol = self.protocol();
        let mentioned = protocol.references(&called.body, called.tail.as_deref());
        let mentioned = mentioned.inspect_err(|_| protocol.refuse(&called.body))?;
        let objects = self.receive(&mut protocol, mentioned.senders);
        Ok(Held(Some(Box::new(Holding { objects, home, ..Holding::default() }))))
    }

    /// The same for an answer, which refers to this.
    fn hold_answer(self: &Arc<Self>, mut mentioned: Mentioned) -> Held {
        let objects = match std::mem::take(&mut mentioned.senders) {
            none if none.is_empty() => none,
            objects => self.receive(&mut self.protocol(), objects),
        };
        let home = !mentioned.receivers.is_empty();
        let home = home.then(|| CameHome { connection: Arc::clone(self), mentioned });
        Held(Some(Box::new(Holding { objects, home, ..Holding::default() })))
    }

    /// Takes objects of the peer's, which were received once more.
    fn receive(
        self: &Arc<Self>,
        protocol: &mut Protocol,
        mut objects: Vec<HeldObject>,
    ) -> Vec<HeldObject> {
        protocol.imports.reserve(objects.len());
        for (place, import) in &mut objects {
            *import = Some(protocol.imports.receive(self, *place));
        }
        objects
    }

    /// What came home in an answer is loaded.
    fn came_home(&self, mentioned: &Mentioned) {
        let dropped = {
            let mut protocol = self.protocol();
            protocol.let_go_home(mentioned);
            protocol.take_dropped()
        };
        // Their destructors run where nothing is locked.
        drop(dropped);
    }
}

impl Future for Waiting {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // It was made just now, and whoever polls it was noted with that.
        if std::mem::take(&mut self.expected) {
            return Poll::Pending;
        }
        // As every future, it is not to be polled after its end.
        let Some(connection) = &self.connection else { return Poll::Pending };
        let mut protocol = connection.protocol();
        let ended = match protocol.poll_answer(self.id, context) {
            Poll::Pending => return Poll::Pending,
            // An answer is large: what is needed of it is taken from where it is.
            Poll::Ready(Ending::Answered(Arrived { success, mentioned, body, tail })) => {
                let body = std::mem::replace(body, Ok(Vec::new()));
                Ok((*success, mentioned.take(), body, tail.take()))
            }
            Poll::Ready(Ending::Expired { executed }) => Err((true, executed)),
            Poll::Ready(Ending::Lost { executed }) => Err((false, executed)),
        };
        drop(protocol);
        let Some(connection) = self.connection.take() else { return Poll::Pending };
        self.promised = None;
        let (success, mentioned, body, tail) = match ended {
            Ok(answer) => answer,
            Err((is_late, executed)) => {
                let outcome = if executed { Outcome::Unknown } else { Outcome::NotExecuted };
                return Poll::Ready(Err(match is_late {
                    true => Error::DeadlineExceeded { after: self.after, outcome },
                    false => connection.lost(outcome),
                }));
            }
        };
        let bytes = body.map_err(Error::Load)?;
        let held = match mentioned {
            None => Held::default(),
            Some(mentioned) => connection.hold_answer((*mentioned).map_err(Error::Load)?),
        };
        Poll::Ready(Ok(Response {
            body: 0..bytes.len(),
            bytes,
            success,
            signature: self.signature,
            carrier: Carrier::Connection(connection),
            held,
            tail,
        }))
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Waiting {
    /// Whether it is known what has become of the call.
    pub(super) fn is_over(&self) -> bool {
        let over = |connection: &Arc<Connection>| connection.protocol().is_over(self.id);
        self.connection.as_ref().is_none_or(over)
    }

    /// What holds the promise on whose object the call is made.
    pub(super) fn take_promised(&mut self) -> Option<Arc<Promised>> {
        self.promised.take()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            let dropped = {
                let mut protocol = connection.protocol();
                protocol.abandon(self.id);
                protocol.take_dropped()
            };
            // Their destructors run where nothing is locked.
            drop(dropped);
        }
    }
}

/// Calls an object that is held.
impl Link for Import {
    fn pipeline(self: Arc<Self>, first: Box<crate::Request>) -> Remote {
        pipeline(self, first)
    }

    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        self.connection().limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(self.connection()) as _)
    }

    fn carry(
        self: Arc<Self>,
        request: &mut crate::Request,
        context: &Context<'_>,
        carried: &mut Carried,
    ) {
        let connection = Arc::clone(self.connection());
        self.connection().home().carry(connection, request, context, carried);
    }

    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        let (connection, place) = (Arc::clone(self.connection()), self.place());
        connection.watch(place, self)
    }
}

/// Calls a block of the peer's: it is held by the call that it was passed to, and not here.
struct BlockLink(Arc<Connection>);

impl Link for BlockLink {
    fn pipeline(self: Arc<Self>, first: Box<crate::Request>) -> Remote {
        pipeline(self, first)
    }

    fn wire(&self) -> Wire {
        Wire::Native
    }

    fn limits(&self) -> &Arc<Limits> {
        self.0.limits()
    }

    fn session(&self) -> Option<Arc<dyn Session>> {
        Some(Arc::clone(&self.0) as _)
    }

    fn carry(
        self: Arc<Self>,
        request: &mut crate::Request,
        context: &Context<'_>,
        carried: &mut Carried,
    ) {
        self.0.home().carry(Arc::clone(&self.0), request, context, carried);
    }
}

impl Connection {
    /// The way to a block of the peer's, for as long as the call lasts that it was passed to.
    pub fn block(self: &Arc<Self>, (slot, generation): (u32, u32)) -> Remote {
        let table = self.tables().peer_objects;
        let reference = Reference::without_uri(ObjectId::Slot { table, slot, generation });
        Remote::new(Arc::new(BlockLink(Arc::clone(self))), reference)
    }
}
