//! Streams: items one after the other, as results and as parameters.
//!
//! A stream travels as a reference to an object, its [`Source`](source::Source). Whoever reads it asks
//! this object for one batch of items after the other ([`Pull`](pull::Pull)); that is the flow control, and
//! dropping the reference is the early end.

mod batch;
mod each;
mod outlet;
mod own;
mod pull;
mod source;

pub(crate) use batch::Next;
pub use outlet::Outlet;
pub use source::StreamReply;

use crate::{
    Arg, Dump, DumpError, Dumper, Kind, Load, LoadError, Loader, Outbound, Remote, Returns,
};
use pull::Pull;
use source::Source;
use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What gives a batch of items. No method of Rust or Ruby is called so by accident.
pub(crate) const NEXT_ITEMS: &str = "next items";

/// Items that come one after the other, each when its reader asks for it.
///
/// A method gives one as `impl Stream<Item = T>`, and its caller gets a `Stream<T>`; a method that takes a
/// `Stream<T>` is passed any stream with items `T`. (These are streams of `futures_core`, which
/// `futures` and `tokio-stream` re-export.) Each item arrives as the result of a method with that result
/// would: a `T` as `Result<T, Error>`, an object as its proxy, a `Result<T, E>` as
/// `Result<T, CallError<E>>`.
///
/// ```ignore
/// #[drb::service]
/// impl Log {
///     pub fn tail(&self) -> impl Stream<Item = Entry> {
///         stream::iter(self.entries.iter().cloned()) // may borrow from `self`
///     }
///
///     pub async fn append(&self, mut entries: drb::Stream<Entry>) -> drb::Result<u64> {
///         let mut count = 0;
///         while let Some(entry) = entries.next().await {
///             self.push(entry?);
///             count += 1;
///         }
///         Ok(count)
///     }
/// }
///
/// let mut tail: drb::Stream<Entry> = log.tail().await?;
/// while let Some(entry) = tail.next().await {
///     println!("{:?}", entry?);
/// }
/// log.append(tokio_stream::iter(entries)).await?;
/// ```
///
/// Nothing runs ahead of its reader but by a few batches: of at most 64 items at first, of about 28 KiB
/// later, and of what can be made in 100 us. An item takes part in no call's deadline: a stream may be silent for as long as it likes.
///
/// An error of an item, or one that cannot be copied, is in that item's place, and the stream goes on. When
/// the connection is lost, or the stream panics, that is the last item: an [`Error`](crate::Error), so
/// that nobody takes it for the end.
///
/// Dropping a `Stream` ends it: what gives its items is dropped, in its process. On Ruby's wire this takes as
/// long as a [lease](crate::Objects::LEASE) if nothing was read yet.
///
/// A stream has one reader. It can be handed on, as an argument `&stream` or as a result, as long as nothing
/// was read from it. Objects of this process are passed as `&Stream::new(objects)` where a method takes a
/// `Stream` of their proxies.
///
/// In Ruby the method takes a block, which is called with each item; without one it gives an object with
/// `each` and `next`. Where a method takes a `Stream`, Ruby passes an Array, or any object with `each`.
#[must_use = "a stream does nothing until it is read"]
pub struct Stream<T> {
    /// The stream itself, if it is one of this process that has not travelled.
    own: Option<Arc<Source>>,
    pull: Pull,
    items: PhantomData<fn() -> T>,
}

impl<T: Returns> Stream<T> {
    /// A stream as a value: for a method that gives a `drb::Stream<T>`, and where streams are items or
    /// fields of something else. Arguments and results needn't be wrapped.
    pub fn new<S>(stream: S) -> Self
    where
        S: futures_core::Stream<Item = T> + Send + 'static,
    {
        let source = Source::of(stream);
        let pull = Pull::new(own::remote(Arc::clone(&source)));
        Self { own: Some(source), pull, items: PhantomData }
    }
}

impl<T> Stream<T> {
    fn hand_on(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match (&self.own, self.pull.untouched()) {
            (Some(own), Some(_)) => dumper.export(Arc::clone(own) as _),
            (None, Some(remote)) => Dump::dump(remote, dumper),
            (_, None) => Err(DumpError::custom(
                "a stream that has been read from cannot be passed on: pass it on before that",
            )),
        }
    }
}

/// Its own nothing is pinned where it is.
impl<T> Unpin for Stream<T> {}

impl<T> futures_core::Stream for Stream<T>
where
    T: Returns<Value: Send + 'static>,
{
    type Item = T::Output;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T::Output>> {
        self.pull.poll_next::<T>(context)
    }
}

impl<T> Load for Stream<T>
where
    T: Returns<Value: Send + 'static>,
{
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let pull = match loader.kind()? {
            Kind::Reference => Pull::new(Remote::load(loader)?),
            Kind::Array => Pull::of(Vec::<T::Value>::load(loader)?),
            _ if loader.is_drb_array()? => Pull::of(Vec::<T::Value>::load(loader)?),
            _ => {
                return Err(loader.mismatch("a stream, which is an Array or an object with `each`"));
            }
        };
        Ok(Self { own: None, pull, items: PhantomData })
    }
}

impl<T> Outbound for Stream<T>
where
    T: Returns<Value: Send + 'static> + 'static,
{
    type Arrives = Self;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.hand_on(dumper)
    }
}

/// Any stream goes where a method takes one.
impl<T, S> Arg<Stream<T>> for S
where
    T: Returns,
    S: futures_core::Stream<Item = T> + Send + 'static,
{
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.export(Source::of(self))
    }
}

/// One that was made for it, or has arrived and is handed on. Its items have to arrive as the same: those of
/// a stream of objects as their proxies.
impl<T: Returns, U: Returns<Value = T::Value>> Arg<Stream<U>> for &Stream<T> {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.hand_on(dumper)
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.pull.remote().map(Remote::reference);
        f.debug_struct("Stream").field("of", &of).finish_non_exhaustive()
    }
}
