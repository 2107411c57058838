//! One call as the caller sees it: from its arguments to its result.

use crate::{
    Arg, Closing, Current, Dump, DumpError, Dumper, Error, Limits, Load, LoadError, Loader,
    ObjectId, Outbound, Pipelined, Proxy, Reference, Request, Response, Returns, Session, Wire,
    block::{Driver, NoBlock, Takes, Yielded, Yielding, Yields},
    buffer,
    dispatch::{Dispatch, Signature},
    native::{self, Method},
    ruby, unresolved,
};
use std::{
    borrow::Cow,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
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

    /// Carries a call there and its reply back. What it needs of the request it takes out of it. The call goes to
    /// where it stays, as `carried`, which is to be polled next, with the same `context`.
    fn carry(self: Arc<Self>, request: &mut Request, context: &Context<'_>, carried: &mut Carried);

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
    /// It isn't yet.
    Nothing,
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
            Self::Nothing => Poll::Pending,
            Self::Other(future) => future.as_mut().poll(context),
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
        self.begin_with(method.into(), |name| name, Method::Named, count)
    }

    /// The same of a method of a proxy.
    #[doc(hidden)]
    pub fn begin_as(&self, signature: &'static Signature, count: usize) -> Outgoing {
        self.begin_with(signature, |signature| signature.name(), Method::Known, count)
    }

    // A `Method` made before would be moved to where it stays.
    #[inline(always)]
    fn begin_with<M>(
        &self,
        method: M,
        name: impl Fn(&M) -> &str,
        known: impl Fn(M) -> Method,
        count: usize,
    ) -> Outgoing {
        let mut request = Request::begin();
        request.bytes = buffer::take();
        request.session = self.link.session();
        request.link = Some(Arc::clone(&self.link));
        let mut outgoing = Outgoing(request);
        match self.link.wire() {
            Wire::Ruby => outgoing.write(|bytes, limits, _| {
                ruby::request::begin(bytes, &self.reference, name(&method), count, limits)
            }),
            Wire::Native => {
                // To clone an id takes as long as to make the rest, and nearly all calls are to fronts.
                let asking = native::Asking::new(ObjectId::Front, known(method), count);
                let asking = outgoing.0.native.insert(asking);
                if !matches!(self.reference.id(), ObjectId::Front) {
                    asking.target = self.reference.id().clone();
                }
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
        if let State::Ready(Some(mut request)) = self.call::<()>().state
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
                State::Ready(Some(request))
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
    /// `None` for one that was made.
    Ready(Option<Box<Request>>),
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
        if let State::Ready(Some(request)) = &mut self.state {
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
            State::Ready(Some(mut request)) => {
                request.link.take().map(|link| link.pipeline(request))
            }
            State::Failed(error) => Some(unresolved::remote(error)),
            State::Ready(None) | State::Running(_) | State::Done => None,
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
                State::Ready(request) => {
                    // As every future, it is not to be polled after its end.
                    let Some(mut request) = request.take() else { return Poll::Pending };
                    let Some(link) = request.link.take() else { return Poll::Pending };
                    request.until = Current::until();
                    self.state = State::Running(Carried::Nothing);
                    if let State::Running(carried) = &mut self.state {
                        link.carry(&mut request, context, carried);
                    }
                    request.end();
                }
                state => match std::mem::replace(state, State::Done) {
                    State::Failed(error) => return Poll::Ready(take(Err(error))),
                    _ => return Poll::Pending,
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
