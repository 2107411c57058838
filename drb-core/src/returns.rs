//! What a method gives, and what its caller gets for it.

use crate::{
    Dump, DumpError, Dumper, Error, Exception, Load, LoadRef, MethodError, Proxy,
    dispatch::{Completed, Reply},
};
use std::{convert::Infallible, marker::PhantomData, sync::Arc};

/// A value that a method can give to its caller.
///
/// Both derives make it: a `DrbDumped` type arrives as itself, a `DrbUndumped` type as its proxy,
/// and so within `Vec`, `Option`, tuples, arrays and maps.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross the wire",
    label = "neither copied nor passed by reference",
    note = "for a type of yours, write `#[derive(DrbDumped)]` (copied) or `#[derive(DrbUndumped)]` (by reference)",
    note = "a serde type crosses as `drb::Serde<T>` with the feature `serde`"
)]
pub trait Outbound: Sized {
    /// What it is when it arrives.
    type Arrives: Load + Send + 'static;

    /// Dumps it.
    ///
    /// # Errors
    /// See [`DumpError`].
    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError>;

    /// Dumps a vector. Only `u8` does this in a way of its own: as a string of bytes.
    #[doc(hidden)]
    fn send_vec(items: Vec<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.array(items.len())?;
        for item in items {
            item.send(dumper)?;
        }
        dumper.end();
        Ok(())
    }

    /// Dumps what others hold as well: a value is copied, an object goes by reference. Both derives
    /// make it.
    ///
    /// # Errors
    /// See [`DumpError`]. Without an own implementation, that others hold it.
    #[doc(hidden)]
    fn send_shared(shared: Arc<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match Arc::try_unwrap(shared) {
            Ok(own) => own.send(dumper),
            Err(_) => {
                Err(DumpError::custom("an `Arc` of this type cannot be sent while it is shared"))
            }
        }
    }
}

/// What is borrowed from the object is copied.
impl<T: Dump + LoadRef + ?Sized> Outbound for &T {
    type Arrives = T::Owned;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// What has arrived as the answer to a call: a value or an exception; or why there is none of both.
pub type Arrival<T> = Result<Result<T, Box<Exception>>, Error>;

/// What stands behind the `->` of a method: a value that can cross the wire, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a remote method",
    label = "neither copied nor passed by reference",
    note = "for a type of yours, write `#[derive(DrbDumped)]` (copied) or `#[derive(DrbUndumped)]` (by reference)",
    note = "the error of a `Result` needs `#[derive(DrbError)]`"
)]
pub trait Returns: Sized {
    /// What the caller of the proxy gets.
    type Output;

    /// The same where all goes well.
    type Value: Load;

    /// What is sent where all goes well.
    type Sent: Outbound;

    /// What is to be sent: a value, or the error as an exception.
    ///
    /// # Errors
    /// The method's own.
    fn outcome(self) -> Result<Self::Sent, Exception>;

    /// What the caller gets of what has arrived.
    fn given(arrived: Arrival<Self::Value>) -> Self::Output;

    /// Writes the reply.
    fn returned(self, reply: Reply) -> Completed {
        match self.outcome() {
            Ok(value) => reply.success(|dumper| value.send(dumper)),
            Err(exception) => reply.failure(exception),
        }
    }
}

impl<T: Outbound> Returns for T {
    type Output = Result<T::Arrives, Error>;
    type Value = T::Arrives;
    type Sent = T;

    #[inline]
    fn outcome(self) -> Result<T, Exception> {
        Ok(self)
    }

    #[inline]
    fn given(arrived: Arrival<T::Arrives>) -> Self::Output {
        arrived?.map_err(Error::from_exception)
    }
}

impl<T: Outbound, E: MethodError> Returns for Result<T, E> {
    type Output = Result<T::Arrives, E::Raised>;
    type Value = T::Arrives;
    type Sent = T;

    #[inline]
    fn outcome(self) -> Result<T, Exception> {
        self.map_err(MethodError::raise)
    }

    #[inline]
    fn given(arrived: Arrival<T::Arrives>) -> Self::Output {
        match arrived.map_err(E::Raised::from)? {
            Ok(value) => Ok(value),
            Err(exception) => Err(match E::rescue(*exception) {
                Ok(own) => own.raised(),
                Err(exception) => Error::from_exception(exception).into(),
            }),
        }
    }
}

/// What a call gives when methods of it can be called before it is there: an object, or perhaps one. See
/// [`Call::pipelined`](crate::Call::pipelined).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no object elsewhere whose methods could be called",
    label = "the call gives a `{Self}`, not a proxy",
    note = "`pipelined` is for methods that give an object by reference: await the call"
)]
pub trait Pipelined {
    /// What calls the object.
    type Proxy: Proxy;
}

impl<P: Proxy> Pipelined for P {
    type Proxy = P;
}

/// If it turns out to be `None`, the calls on it fail.
impl<P: Proxy> Pipelined for Option<P> {
    type Proxy = P;
}

/// Stands for a result of which nothing is known but what the caller wants it to be: awaiting a
/// `Call<Loaded<T>>` gives a `Result<T, Error>`. It is what calls without a contract return.
#[derive(Debug)]
pub enum Loaded<T> {
    #[doc(hidden)]
    Never(Infallible, PhantomData<T>),
}

impl<T: Load> Returns for Loaded<T> {
    type Output = Result<T, Error>;
    type Value = T;
    type Sent = ();

    fn outcome(self) -> Result<(), Exception> {
        match self {
            Self::Never(never, _) => match never {},
        }
    }

    fn given(arrived: Arrival<T>) -> Self::Output {
        arrived?.map_err(Error::from_exception)
    }
}
