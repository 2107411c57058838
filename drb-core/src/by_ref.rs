//! Objects in the place of values: references as arguments and results.

use crate::{
    Arg, Cell, Dump, DumpError, Dumper, Implements, Kind, Load, LoadError, Loader, Outbound, Proxy,
    Served, Service, Value, dispatch::Dispatch,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    marker::PhantomData,
    sync::Arc,
};

/// Passes an object by reference, also where its type is one that is copied (Ruby:
/// `object.extend(DRbUndumped)`).
///
/// It takes an object, or an `Arc` of one that the program goes on using, and goes where a method takes
/// a proxy, as a result, into containers, and into [`Value`]-like arguments of calls without a
/// contract. Whoever receives it calls the object in this process.
///
/// ```ignore
/// #[derive(DrbDumped)] // is copied ...
/// struct Account { balance: i64 }
///
/// #[drb::service] // ... but has methods as well
/// impl Account {
///     pub fn balance(&self) -> i64 { self.balance }
/// }
///
/// bank.audit(drb::by_ref(account)).await?; // pub async fn audit(&self, account: AccountProxy)
/// ```
pub fn by_ref<O: Served>(object: O) -> ByRef<O::Service> {
    ByRef { object: object.into_object(), service: PhantomData }
}

/// An object of the service `T` that goes by reference; [`by_ref`] makes it. As the result of a method
/// it arrives as the proxy of `T`.
///
/// Clones are the same object.
pub struct ByRef<T> {
    object: Arc<dyn Dispatch>,
    service: PhantomData<fn() -> T>,
}

impl<T> Clone for ByRef<T> {
    fn clone(&self) -> Self {
        Self { object: Arc::clone(&self.object), service: PhantomData }
    }
}

impl<T> fmt::Debug for ByRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByRef").field(&self.object.class()).finish()
    }
}

impl<T> Dump for ByRef<T> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.export(self.object())
    }
}

impl<T: Service> Outbound for ByRef<T> {
    type Arrives = T::Proxy;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// A parameter that takes a value as well as a reference: a copy where the caller sends one, a proxy
/// where it sends a reference.
///
/// The caller passes a `T`, or what else may be passed where a method takes a `P`: the proxy, an
/// `Arc` of an object, a [`ByRef`].
///
/// ```ignore
/// pub async fn total(&self, cart: drb::Either<Cart, CartProxy>) -> drb::Result<u64> {
///     match cart {
///         Either::Value(cart) => Ok(cart.total()),
///         Either::Remote(cart) => cart.total().await,
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Either<T, P> {
    /// It was copied.
    Value(T),
    /// It stays where it is.
    Remote(P),
}

impl<T: Dump, P: Dump> Dump for Either<T, P> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Self::Value(value) => value.dump(dumper),
            Self::Remote(remote) => remote.dump(dumper),
        }
    }
}

impl<T: Load, P: Load> Load for Either<T, P> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        match loader.kind()? {
            Kind::Reference => P::load(loader).map(Self::Remote),
            _ => T::load(loader).map(Self::Value),
        }
    }
}

/// A method may give either: what is copied, or what goes by reference.
impl<T: Outbound, P: Outbound> Outbound for Either<T, P> {
    type Arrives = Either<T::Arrives, P::Arrives>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Self::Value(value) => value.send(dumper),
            Self::Remote(remote) => remote.send(dumper),
        }
    }
}

impl<T, P: Proxy> Arg<Either<T, P>> for P {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

impl<T, P: Proxy> Arg<Either<T, P>> for &P {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// What is an object of this process, and goes by reference.
trait Referred {
    fn object(&self) -> Arc<dyn Dispatch>;
}

impl<C: Cell> Referred for Arc<C> {
    fn object(&self) -> Arc<dyn Dispatch> {
        Self::clone(self) as Arc<dyn Dispatch>
    }
}

impl<T> Referred for ByRef<T> {
    fn object(&self) -> Arc<dyn Dispatch> {
        Arc::clone(&self.object)
    }
}

fn array<R: Referred>(items: &[R], dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
    dumper.array(items.len())?;
    items.iter().try_for_each(|item| dumper.export(item.object()))?;
    dumper.end();
    Ok(())
}

fn map<'a, K: Dump + 'a, R: Referred + 'a>(
    entries: impl ExactSizeIterator<Item = (&'a K, &'a R)>,
    dumper: &mut Dumper<'_>,
) -> Result<(), DumpError> {
    dumper.map(entries.len())?;
    for (key, object) in entries {
        key.dump(dumper)?;
        dumper.export(object.object())?;
    }
    dumper.end();
    Ok(())
}

/// Where a method takes a proxy, on its own or in a container, objects of this process go in its place.
macro_rules! referred {
    ($([$($generics:tt)*] [$($service:tt)*] $form:ty;)*) => {$(
        args! {
            this, dumper;
            [P: Proxy, $($generics)*] P, $form: dumper.export(this.object());
            [P: Proxy, $($generics)*] Option<P>, $form: dumper.export(this.object());
            // Not for an `Option` of it: a plain `None` could then be one of any form.
            [X, P: Proxy, $($generics)*] Either<X, P>, $form: dumper.export(this.object());
            [P: Proxy, $($generics)*] Vec<P>, Vec<$form>: array(this.as_slice(), dumper);
            [P: Proxy, $($generics)* const N: usize] Vec<P>, [$form; N]:
                array(this.as_slice(), dumper);
            [K: Dump, P: Proxy, S, $($generics)*] HashMap<K, P, S>, HashMap<K, $form, S>:
                map(this.iter(), dumper);
            [K: Dump, P: Proxy, $($generics)*] BTreeMap<K, P>, BTreeMap<K, $form>:
                map(this.iter(), dumper);
            [$($service)*] Value, $form: dumper.export(this.object());
        }

        impl<P: Proxy, $($generics)*> Arg<Vec<P>> for &[$form] {
            fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                array(self, dumper)
            }
        }
    )*};
}

/// Each form, owned and borrowed.
macro_rules! args {
    ($this:ident, $dumper:ident; $([$($generics:tt)*] $param:ty, $form:ty: $dump:expr;)*) => {$(
        impl<$($generics)*> Arg<$param> for $form {
            fn dump_arg(self, $dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                let $this = &self;
                $dump
            }
        }

        impl<$($generics)*> Arg<$param> for &$form {
            fn dump_arg(self, $dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                let $this = self;
                $dump
            }
        }
    )*};
}

referred! {
    [C: Cell<Service: Implements<P>>,] [C: Cell] Arc<C>;
    [T: Implements<P>,] [T: Service] ByRef<T>;
}
