//! One call as the caller sees it: from its arguments to its result.

use crate::{
    Apart, Arg, Arrival, Budget, Closing, Current, Dump, DumpError, Dumper, Error, Exception,
    Limits, Load, LoadError, Loader, Outbound, Outcome, Pipelined, Proxy, Reference, Returns,
    Session, Wire,
    block::{Driver, NoBlock, Takes, Yielded, Yielding, Yields},
    buffer,
    dispatch::{Dispatch, Signature},
    native::{self, Method},
    ruby, unresolved,
};
use std::{
    borrow::Cow,
    cell::Cell,
    fmt,
    future::Future,
    marker::PhantomData,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// An object elsewhere, without a type: what every proxy holds.
#[derive(Clone)]
pub struct Remote {
    link: Arc<dyn Link>,
    reference: Reference,
}

/// A way to a process: what carries calls there and replies back.
pub trait Link: Send + Sync {
    /// The protocol that it speaks.
    fn wire(&self) -> Wire;

    /// The bounds that it keeps.
    fn limits(&self) -> &Arc<Limits>;

    /// What references in arguments and results go through.
    fn session(&self) -> Option<Arc<dyn Session>>;

    /// Carries a call there and its reply back. What it needs of the request it takes out of it. What it gives is
    /// to be polled next, with the same `context`.
    fn carry(self: Arc<Self>, request: &mut Request, context: &Context<'_>) -> Carried;

    /// Whether letting go of the reference is all that the object's owner has to know. Ruby's wire knows no
    /// such thing.
    fn lets_go(&self) -> bool {
        self.wire() == Wire::Native
    }

    /// Carries a call there whose reply nobody waits for, if that is still possible: it is made where
    /// something is dropped, unless letting go of it [says enough](Link::lets_go).
    fn dismiss(self: Arc<Self>, _: Box<Request>) {}

    /// The object itself, if it is one of this process that the link holds.
    fn local(&self) -> Option<Arc<dyn Dispatch>> {
        None
    }

    /// The object that a call is going to give. The call is made with the first one on that object.
    fn pipeline(self: Arc<Self>, first: Box<Request>) -> Remote;

    /// What has been given in the place of an object that was to be [given](Link::pipeline) by a call.
    fn resolved(&self) -> Option<Remote> {
        None
    }

    /// Waits until an object there can no longer be called. Where nobody tells, that is never.
    fn closed(self: Arc<Self>, _: &Reference) -> Closing {
        Closing::never()
    }
}

/// A call that is under way.
pub enum Carried {
    /// On a native connection, where it waits for its answer and nothing else.
    Waiting(native::Waiting),
    /// However else it goes on.
    Other(Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>),
}

impl Carried {
    /// A call that goes on as a future does.
    pub fn new(future: impl Future<Output = Result<Response, Error>> + Send + 'static) -> Self {
        Self::Other(Box::pin(future))
    }

    /// A call that couldn't be made.
    #[cold]
    pub fn failed(error: Error) -> Self {
        Self::new(std::future::ready(Err(error)))
    }
}

impl Future for Carried {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Waiting(waiting) => Pin::new(waiting).poll(context),
            Self::Other(future) => future.as_mut().poll(context),
        }
    }
}

/// A call in the form of its wire.
#[derive(Default)]
#[non_exhaustive]
pub struct Request {
    /// The way there, until the call is made.
    link: Option<Arc<dyn Link>>,
    /// The whole message.
    pub bytes: Vec<u8>,
    /// How long it may take from now to the result; `None` for as long as it likes.
    pub deadline: Option<Duration>,
    /// When it has to have its result whatever its deadline is: when nobody waits any more for the
    /// call that is being served where it is made.
    pub until: Option<Instant>,
    /// What references in it go through.
    pub session: Option<Arc<dyn Session>>,
    /// What the native wire says beside the bytes, which are then the arguments alone.
    pub native: Option<native::Asking>,
    /// Why it cannot be made.
    error: Option<DumpError>,
}

thread_local! {
    /// Memory for the next request: each is made where it stays, and its pieces are taken out of it.
    static MADE: Cell<Option<Box<Request>>> = const { Cell::new(None) };
}

impl Request {
    /// An empty one, in the memory of one that was made before.
    fn begin() -> Box<Self> {
        MADE.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    /// It was made, and whatever is left of it is of no use.
    fn end(mut self: Box<Self>) {
        // If it couldn't be made, they are still there.
        self.bytes = Vec::new();
        self.session = None;
        self.native = None;
        // At the end of its thread it is dropped.
        let _ = MADE.try_with(|made| made.set(Some(self)));
    }

    /// All of it, for what keeps it.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// How long it may take from `now` on: its deadline, or what is left of that of the call in which
    /// it is made; `None` for as long as it likes.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`]: nothing is left, so it is not made.
    pub fn time_left(&self, now: Instant) -> Result<Option<Duration>, Error> {
        let Some(until) = self.until else { return Ok(self.deadline) };
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            let (after, outcome) = (Duration::ZERO, Outcome::NotExecuted);
            return Err(Error::DeadlineExceeded { after, outcome });
        }
        Ok(Some(self.deadline.map_or(left, |deadline| deadline.min(left))))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deadline, native, .. } = self;
        f.debug_struct("Request")
            .field("deadline", deadline)
            .field("native", native)
            .finish_non_exhaustive()
    }
}

/// A reply in the form of its wire.
pub struct Response {
    /// Where the reply's bytes are.
    pub bytes: Vec<u8>,
    /// Which of them are the result or the exception.
    pub body: Range<usize>,
    /// Whether it is a result.
    pub success: bool,
    /// What the proxy knows of the method.
    pub signature: Option<&'static Signature>,
    /// What it has come over.
    pub carrier: Carrier,
    /// What it refers to, until it is loaded.
    pub held: native::Held,
    /// The string at its end, if that has travelled beside it.
    pub tail: Option<Arc<native::Tail>>,
}

/// What a reply has come over: it has the bounds for loading it, and references in it go through it.
#[derive(Clone)]
pub enum Carrier {
    /// A native connection.
    Connection(Arc<native::Connection>),
    /// Anything else.
    Other(Arc<Limits>, Option<Arc<dyn Session>>),
}

impl Carrier {
    /// The bounds.
    #[inline]
    pub fn limits(&self) -> &Limits {
        match self {
            Self::Connection(connection) => connection.limits(),
            Self::Other(limits, _) => limits,
        }
    }

    /// What references go through.
    #[inline]
    pub fn session(&self) -> Option<&dyn Session> {
        match self {
            Self::Connection(connection) => Some(&**connection),
            Self::Other(_, session) => session.as_deref(),
        }
    }

    /// The shapes that both sides know by number, on the native wire.
    #[inline]
    pub(crate) fn tables(&self) -> Option<&Arc<native::Tables>> {
        match self {
            Self::Connection(connection) => Some(connection.tables()),
            Self::Other(_, session) => session.as_ref()?.tables(),
        }
    }
}

impl Remote {
    /// The object that `reference` means, over `link`.
    pub fn new(link: Arc<dyn Link>, reference: Reference) -> Self {
        Self { link, reference }
    }

    /// What names the object.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The way to the object's process.
    pub fn link(&self) -> &Arc<dyn Link> {
        &self.link
    }

    /// The object itself, if it is one of this process.
    pub(crate) fn object(&self) -> Option<Arc<dyn Dispatch>> {
        match self.link.local() {
            Some(object) => Some(object),
            None => self.link.session()?.local(&self.reference),
        }
    }

    /// Begins a call of `method` with `count` arguments, keywords together counting as one.
    pub fn begin(&self, method: impl Into<Cow<'static, str>>, count: usize) -> Outgoing {
        let method = method.into();
        let mut outgoing = self.begin_with(&method, None, count);
        if let Some(native) = &mut outgoing.0.native {
            native.method = Method::Named(method);
        }
        outgoing
    }

    /// The same of a method of a proxy.
    #[doc(hidden)]
    pub fn begin_as(&self, signature: &'static Signature, count: usize) -> Outgoing {
        self.begin_with(signature.name(), Some(signature), count)
    }

    #[inline]
    fn begin_with(
        &self,
        name: &str,
        signature: Option<&'static Signature>,
        count: usize,
    ) -> Outgoing {
        let mut request = Request::begin();
        request.bytes = buffer::take();
        request.session = self.link.session();
        request.link = Some(Arc::clone(&self.link));
        let mut outgoing = Outgoing(request);
        match self.link.wire() {
            Wire::Ruby => outgoing.write(|bytes, limits, _| {
                ruby::request::begin(bytes, &self.reference, name, count, limits)
            }),
            Wire::Native => {
                let target = self.reference.id().clone();
                let method = signature.map_or(Method::Named(Cow::Borrowed("")), Method::Known);
                outgoing.0.native = Some(native::Asking::new(target, method, count));
            }
        }
        outgoing
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.reference).finish()
    }
}

impl Dump for Remote {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        if let Some(resolved) = self.link.resolved() {
            return resolved.dump(dumper);
        }
        match self.link.local() {
            Some(object) => dumper.export(object),
            None => dumper.reference(&self.reference),
        }
    }
}

impl Load for Remote {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.remote()
    }
}

/// References decide: two proxies of the same object are equal.
impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.reference == other.reference
    }
}

impl Eq for Remote {}

impl std::hash::Hash for Remote {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.reference.hash(state);
    }
}

/// A call whose arguments are being written. The code that `#[drb::service]` makes calls it.
///
/// The first argument that cannot be dumped becomes the error of the call.
pub struct Outgoing(Box<Request>);

impl Outgoing {
    /// The next argument.
    pub fn arg<P>(&mut self, value: impl Arg<P>) {
        self.dump(|dumper| value.dump_arg(dumper));
    }

    /// The next argument of a block. It may be an object, which then goes by reference. `alone` says
    /// whether it is the only one.
    pub(crate) fn yields(&mut self, value: impl Outbound, alone: bool) {
        match (alone, &self.0.native) {
            (true, None) => self.write(|bytes, limits, session| {
                ruby::request::yields(bytes, limits, session, |dumper| value.send(dumper))
            }),
            _ => self.dump(|dumper| value.send(dumper)),
        }
    }

    /// The arguments by name: `count` times a symbol and a value, which `dump` writes.
    pub fn keywords(
        &mut self,
        count: usize,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) {
        if let Some(native) = &mut self.0.native {
            native.keywords = true;
        }
        self.dump(|dumper| {
            dumper.keywords(count)?;
            dump(dumper)?;
            dumper.end();
            Ok(())
        });
    }

    /// The call, ready to be awaited.
    pub fn call<R>(self) -> Call<R> {
        self.end(None, NoBlock)
    }

    /// Makes the call without waiting for its end.
    pub(crate) fn dismiss(self) {
        if let State::Ready(mut request) = self.call::<()>().state
            && let Some(link) = request.link.take()
        {
            link.dismiss(request);
        }
    }

    /// The call with a block, ready to be awaited.
    pub fn call_with<F, A, B, R, O, Way>(
        mut self,
        block: F,
    ) -> Call<R, Yielding<F, A, O, O::Answer>>
    where
        F: Takes<A, O>,
        A: Yielded,
        R: Returns,
        O: Yields<B, R::Value, Way>,
    {
        let (driver, lent) = Yielding::lend::<B, R::Value, Way>(block, self.0.session.clone());
        match lent {
            Ok(reference) => self.end(Some(&reference), driver),
            Err(error) => {
                self.0.error.get_or_insert(error);
                self.end(None, driver)
            }
        }
    }

    fn end<R, B>(mut self, block: Option<&Reference>, driver: B) -> Call<R, B> {
        match &mut self.0.native {
            None => self.write(|bytes, limits, _| ruby::request::end(bytes, block, limits)),
            Some(native) => native.pass(block),
        }
        let mut request = self.0;
        let state = match request.error.take() {
            Some(error) => State::Failed(Error::Dump(error)),
            None => {
                request.deadline = request.link.as_ref().map(|link| link.limits().deadline);
                request.until = None;
                State::Ready(request)
            }
        };
        Call { state, block: driver, result: PhantomData }
    }

    /// Writes a value in the form of the wire.
    fn dump(&mut self, dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>) {
        let Request { link, bytes, session, native, error, .. } = &mut *self.0;
        if let (Some(link), None) = (link, &error) {
            let limits = link.limits();
            let written = match native {
                None => ruby::frame::write(bytes, limits, session.as_deref(), dump),
                Some(native) => native.sending.write(bytes, limits, session.as_ref(), dump),
            };
            *error = written.err();
        }
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>, &Limits, Option<&dyn Session>) -> Result<(), DumpError>,
    ) {
        let Request { link, bytes, session, error, .. } = &mut *self.0;
        if let (Some(link), None) = (link, &error) {
            *error = write(bytes, link.limits(), session.as_deref()).err();
        }
    }
}

/// A call of a remote method. It is sent when it is first polled, and ends with the result.
///
/// `R` is what the method gives; awaiting gives [`R::Output`](Returns::Output): for a `T` it is
/// `Result<T, Error>`, for a `Result<T, E>` it is `Result<T, CallError<E>>`. `B` runs the block that
/// the call passes to the method, if it passes one.
#[must_use = "a call is only made when it is awaited"]
pub struct Call<R, B = NoBlock> {
    state: State,
    /// What runs the block that the call passes.
    block: B,
    result: PhantomData<fn() -> R>,
}

enum State {
    Failed(Error),
    Ready(Box<Request>),
    Running(Carried),
    Done,
}

/// Nothing of it is pinned where it is.
impl<R, B> Unpin for Call<R, B> {}

impl<R, B> Call<R, B> {
    /// Gives the call this long from its first poll to its result, instead of
    /// [`Limits::deadline`].
    ///
    /// A call that a method makes never takes longer than what is left of the deadline of the call
    /// that the method serves, whatever is said here: nobody would wait for its result. That holds for
    /// calls that are first polled where the method runs; a task that it spawns is on its own.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.set_deadline(Some(deadline));
        self
    }

    /// Lets the call take as long as it likes, within that of the call that is being served where it
    /// is made, if one is; see [`Call::deadline`].
    pub fn no_deadline(mut self) -> Self {
        self.set_deadline(None);
        self
    }

    fn set_deadline(&mut self, deadline: Option<Duration>) {
        if let State::Ready(request) = &mut self.state {
            request.deadline = deadline;
        }
    }
}

impl<R: Returns> Call<R> {
    /// The object that the call is going to give, without waiting for it: calls on it go out together with
    /// this one, to any depth.
    ///
    /// ```ignore
    /// let entry = store.cursor().pipelined().next().await?; // one round trip
    /// ```
    ///
    /// This call is made when the first one on the object is awaited, within its own deadline, and is
    /// cancelled when it has no result and neither the proxy nor a call on it is there any more. If it
    /// fails, or gives `None`, so do the calls on the object, with [`Error::Unresolved`]; they have not
    /// run. Once the object is there, the proxy is as good as any other; when it is passed as an argument
    /// before, its calls go through this process. Calls on the proxy begin in the order in which they are made.
    ///
    /// Over the native wire, this spares waiting. Elsewhere it means the same, and each call waits for
    /// the one before it.
    ///
    /// A call that has been polled already is not pipelined: calls on its object fail.
    pub fn pipelined<V>(self) -> V::Proxy
    where
        R: Returns<Value = V>,
        V: Pipelined,
    {
        let remote = match self.state {
            State::Ready(mut request) => request.link.take().map(|link| link.pipeline(request)),
            State::Failed(error) => Some(unresolved::remote(error)),
            State::Running(_) | State::Done => None,
        };
        let remote = remote.unwrap_or_else(|| {
            let begun = "a call that has begun cannot be pipelined";
            unresolved::remote(Error::Dump(DumpError::custom(begun)))
        });
        Proxy::from_remote(remote)
    }
}

impl<R, B: Driver> Call<R, B> {
    /// Goes on with the call, and lets its reply be taken, which is unread.
    pub(crate) fn poll_response<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnOnce(Result<&mut Response, Error>) -> T,
    ) -> Poll<T> {
        loop {
            match &mut self.state {
                // A response is large, and taken where it is.
                State::Running(carried) => match Pin::new(carried).poll(context) {
                    Poll::Pending => {
                        self.block.drive(context);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(ref mut response)) => {
                        let taken = take(Ok(response));
                        self.state = State::Done;
                        return Poll::Ready(taken);
                    }
                    Poll::Ready(Err(error)) => {
                        self.state = State::Done;
                        return Poll::Ready(take(Err(error)));
                    }
                },
                state => match std::mem::replace(state, State::Done) {
                    State::Ready(mut request) => {
                        // As every future, it is not to be polled after its end.
                        let Some(link) = request.link.take() else { return Poll::Pending };
                        request.until = Current::until();
                        self.state = State::Running(link.carry(&mut request, context));
                        request.end();
                    }
                    State::Failed(error) => return Poll::Ready(take(Err(error))),
                    State::Done | State::Running(_) => return Poll::Pending,
                },
            }
        }
    }
}

impl<R: Returns, B: Driver> Future for Call<R, B> {
    type Output = R::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_response(context, |response| R::given(response.and_then(Response::load)))
    }
}

impl Response {
    /// One in the form of Ruby's wire.
    pub fn ruby(
        bytes: Vec<u8>,
        head: ruby::ReplyHead,
        limits: Arc<Limits>,
        session: Option<Arc<dyn Session>>,
    ) -> Self {
        let ruby::ReplyHead { body, success, .. } = head;
        let carrier = Carrier::Other(limits, session);
        let (held, tail) = (native::Held::default(), None);
        Self { bytes, body, success, signature: None, carrier, held, tail }
    }

    /// All of it, for what keeps it.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            bytes: std::mem::take(&mut self.bytes),
            body: self.body.clone(),
            carrier: self.carrier.clone(),
            held: std::mem::take(&mut self.held),
            tail: self.tail.take(),
            ..*self
        }
    }

    /// How many bytes the result or the exception has.
    pub fn size(&self) -> usize {
        self.body.len() + self.tail.as_ref().map_or(0, |tail| tail.len())
    }

    /// If the two sides know the method differently, an error says so.
    #[cold]
    fn explain(&self, error: LoadError) -> LoadError {
        match (self.carrier.tables(), self.signature) {
            (Some(tables), Some(signature)) if error.may_be_apart() => {
                let found = tables.apart(signature);
                let apart = found.map(|found| Apart { expected: signature.to_string(), found });
                error.between(apart)
            }
            _ => error,
        }
    }

    /// The result, or the exception that came in its place.
    ///
    /// # Errors
    /// The reply cannot be loaded.
    pub fn load<T: Load>(&mut self) -> Arrival<T> {
        let body = self.bytes.get(self.body.clone()).unwrap_or_default();
        let load = |loader: &mut Loader<'_>| -> Result<Result<T, Box<Exception>>, LoadError> {
            match self.success {
                true => T::load(loader).map(Ok),
                false => Exception::load(loader).map(|exception| Err(Box::new(exception))),
            }
        };
        let (limits, session) = (self.carrier.limits(), self.carrier.session());
        let loaded = match self.carrier.tables() {
            None => {
                let loader = Loader::marshal(body, limits, session);
                loader.and_then(|mut loader| load(&mut loader))
            }
            Some(tables) => {
                let budget = Budget::new(limits, self.size());
                let mut loader = Loader::native(body, tables, budget, session);
                loader.end_with(self.tail.as_deref());
                loader.take_from(&mut self.held);
                load(&mut loader)
            }
        };
        let loaded = loaded.map_err(|error| Error::Load(self.explain(error)));
        buffer::give(std::mem::take(&mut self.bytes));
        loaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_request_has_the_memory_of_the_last_one_and_nothing_else() {
        let mut request = Request::begin();
        let place = std::ptr::from_ref(&*request);
        // It couldn't be made.
        request.bytes = vec![0; 1 << 20];
        let asking = native::Asking::new(crate::ObjectId::Front, Method::Named("method".into()), 0);
        request.native = Some(asking);
        request.end();
        let next = Request::begin();
        assert_eq!(std::ptr::from_ref(&*next), place);
        assert!(next.bytes.capacity() == 0 && next.native.is_none() && next.session.is_none());
    }
}
