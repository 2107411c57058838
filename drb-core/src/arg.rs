//! What the caller of a proxy may write where a method takes a parameter.

use crate::{Dump, DumpError, Dumper, Either, Load, Symbol, Value};
use bytes::Bytes;
use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime},
};

/// A value that can be passed where a remote method takes a `P`, in the form that is natural for
/// the caller: a `String` as `&str`, a `Vec` as a slice, an object of this process where the
/// method takes a proxy.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be passed where the remote method takes `{P}`",
    label = "not a `{P}`, nor a form of it"
)]
pub trait Arg<P> {
    /// Dumps it as a `P`.
    ///
    /// # Errors
    /// See [`DumpError`].
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError>;
}

impl<T: Dump> Arg<T> for T {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump_own(dumper)
    }
}

impl<T: Dump> Arg<T> for &T {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// The type behind a parameter `&Self`: what is loaded, and then borrowed for the method.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `&{Self}` cannot be loaded from a wire",
    note = "for a type of yours, write `#[derive(DrbDumped)]`"
)]
pub trait LoadRef {
    /// What is loaded: a `String` for `&str`, a `Vec<T>` for `&[T]`, else the type itself.
    type Owned: Load + Borrow<Self> + Send + 'static;
}

impl<T: Load + Send + 'static> LoadRef for T {
    type Owned = T;
}

impl LoadRef for str {
    type Owned = String;
}

impl<T: Load + Send + 'static> LoadRef for [T] {
    type Owned = Vec<T>;
}

/// An `Option` is passed as the value itself, as `Some(value)`, or as `None`.
impl<T: Dump> Arg<Option<T>> for T {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump_own(dumper)
    }
}

impl<T: Dump> Arg<Option<T>> for &T {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

impl Arg<String> for &str {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl Arg<Option<String>> for &str {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl<T: Dump> Arg<Vec<T>> for &[T] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

impl<T: Dump, const N: usize> Arg<Vec<T>> for [T; N] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_slice().dump(dumper)
    }
}

impl<T: Dump, const N: usize> Arg<Vec<T>> for &[T; N] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_slice().dump(dumper)
    }
}

impl<const N: usize> Arg<Vec<String>> for [&str; N] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_slice().dump(dumper)
    }
}

impl<const N: usize> Arg<Vec<String>> for &[&str; N] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_slice().dump(dumper)
    }
}

impl Arg<Vec<String>> for &[&str] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// Where a method takes any value, what is one may be passed as it is; and so where it takes either a
/// value or a reference.
macro_rules! values {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<$($generics)*> Arg<Value> for $ty {
            fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                self.dump_own(dumper)
            }
        }

        impl<$($generics)*> Arg<Value> for &$ty {
            fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                (*self).dump(dumper)
            }
        }

        either!([$($generics)*] $ty);
    )*};
}

/// (The derive of `DrbDumped` makes the same.)
macro_rules! either {
    ([$($generics:tt)*] $ty:ty) => {
        impl<Remote, $($generics)*> Arg<Either<$ty, Remote>> for $ty {
            fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                self.dump_own(dumper)
            }
        }

        impl<Remote, $($generics)*> Arg<Either<$ty, Remote>> for &$ty {
            fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                (*self).dump(dumper)
            }
        }
    };
}

values! {
    [] (), [] bool, [] i8, [] i16, [] i32, [] i64, [] i128, [] u8, [] u16, [] u32, [] u64, [] u128,
    [] usize, [] isize, [] f32, [] f64, [] char, [] String, [] Bytes, [] Symbol, [] SystemTime,
    [] Duration,
    [T: Dump] Option<T>, [T: Dump] Vec<T>, [K: Dump, V: Dump, S] HashMap<K, V, S>,
    [K: Dump, V: Dump] BTreeMap<K, V>,
}

either!([] Value);

impl<Remote> Arg<Either<String, Remote>> for &str {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl Arg<Value> for &str {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl<T: Dump> Arg<Value> for &[T] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

impl<T: Dump, const N: usize> Arg<Value> for [T; N] {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_slice().dump(dumper)
    }
}
