//! What an argument, a result and a field have to be, said so that a compiler's error names them.
//!
//! Generated code passes the names as type parameters that are called like them. It could also make
//! a trait of its own for each, but then it could not be used under `#![no_implicit_prelude]`, where
//! `#[diagnostic::…]` is unknown.

use super::{Args, Completed, Keywords, Outlet, Reply};
use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, MethodError, Returns, Value};
use std::{future::Future, pin::Pin};

/// Says at a service's name what keeps its callers from sharing it.
pub const fn service_is_shared_between_threads<T: Send + Sync + 'static>() {}

/// An argument named `A` of the method `M`.
#[diagnostic::on_unimplemented(
    message = "argument `{A}` of remote method `{M}` cannot cross the wire",
    label = "cannot be loaded from a wire",
    note = "for a type of yours, write `#[derive(DrbDumped)]`",
    note = "to take an object by reference, take its proxy",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait Argument<A, M>: Sized {
    /// By position.
    fn required(args: &mut Args<'_>, name: &'static str) -> Result<Self, LoadError>;

    /// By position, with a default.
    fn optional(args: &mut Args<'_>, name: &'static str) -> Result<Option<Self>, LoadError>;

    /// All that are left by position.
    fn rest(args: &mut Args<'_>, name: &'static str) -> Result<Vec<Self>, LoadError>;

    /// By name.
    fn keyword(keywords: &mut Keywords<'_>) -> Result<Self, LoadError>;
}

#[diagnostic::do_not_recommend]
impl<T: Load + Send + 'static, A, M> Argument<A, M> for T {
    fn required(args: &mut Args<'_>, name: &'static str) -> Result<Self, LoadError> {
        args.required(name)
    }

    fn optional(args: &mut Args<'_>, name: &'static str) -> Result<Option<Self>, LoadError> {
        args.optional(name)
    }

    fn rest(args: &mut Args<'_>, name: &'static str) -> Result<Vec<Self>, LoadError> {
        args.rest(name)
    }

    fn keyword(keywords: &mut Keywords<'_>) -> Result<Self, LoadError> {
        keywords.value()
    }
}

/// The result of the method `M`.
#[diagnostic::on_unimplemented(
    message = "the result of remote method `{M}` cannot cross the wire",
    label = "neither copied nor passed by reference",
    note = "for a type of yours, write `#[derive(DrbDumped)]` (copied) or `#[derive(DrbUndumped)]` (by reference)",
    note = "the error of a `Result` needs `#[derive(DrbError)]`",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait Answer<M>: Sized {
    /// Writes the reply.
    fn give(self, reply: Reply) -> Completed;
}

#[diagnostic::do_not_recommend]
impl<T: Returns, M> Answer<M> for T {
    fn give(self, reply: Reply) -> Completed {
        self.returned(reply)
    }
}

/// An item of the stream that the method `M` gives.
#[diagnostic::on_unimplemented(
    message = "the items of the stream that remote method `{M}` gives cannot cross the wire",
    label = "`{Self}` is neither copied nor passed by reference",
    note = "for a type of yours, write `#[derive(DrbDumped)]` (copied) or `#[derive(DrbUndumped)]` (by reference)",
    note = "the error of a `Result` needs `#[derive(DrbError)]`",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait StreamItem<M>: Sized {
    /// Runs the stream to its end.
    fn stream<'a, S>(stream: S, outlet: Outlet) -> RunsStream<'a>
    where
        S: futures_core::Stream<Item = Self> + Send + 'a;

    /// The same for a method that may have failed.
    fn result<'a, S, E>(result: Result<S, E>, outlet: Outlet) -> RunsStream<'a>
    where
        S: futures_core::Stream<Item = Self> + Send + 'a,
        E: MethodError;
}

/// A stream that runs.
pub type RunsStream<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

#[diagnostic::do_not_recommend]
impl<T: Returns, M> StreamItem<M> for T {
    fn stream<'a, S>(stream: S, outlet: Outlet) -> RunsStream<'a>
    where
        S: futures_core::Stream<Item = Self> + Send + 'a,
    {
        Box::pin(outlet.stream(stream))
    }

    fn result<'a, S, E>(result: Result<S, E>, outlet: Outlet) -> RunsStream<'a>
    where
        S: futures_core::Stream<Item = Self> + Send + 'a,
        E: MethodError,
    {
        Box::pin(outlet.result(result))
    }
}

/// A field named `F` of the type `O`.
#[diagnostic::on_unimplemented(
    message = "field `{F}` of `{O}` cannot cross the wire",
    label = "cannot be copied",
    note = "for a type of yours, write `#[derive(DrbDumped)]`, or put `#[drb(skip)]` on the field",
    note = "to pass an object by reference, write its proxy",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait Member<F, O>: Sized {
    /// See [`Dump::dump`].
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError>;

    /// See [`Load::load`].
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError>;

    /// See [`Load::absent`].
    fn absent() -> Option<Self>;

    /// As a field of an exception, if it can be one.
    fn to_value(&self) -> Option<Value>;

    /// From a field of an exception, if it is one.
    fn from_value(value: &Value) -> Option<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: Dump + Load, F, O> Member<F, O> for T {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        Dump::dump(self, dumper)
    }

    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Load::load(loader)
    }

    fn absent() -> Option<Self> {
        Load::absent()
    }

    fn to_value(&self) -> Option<Value> {
        Value::from_dump(self).ok()
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.to().ok()
    }
}
