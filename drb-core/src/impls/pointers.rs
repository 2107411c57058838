//! What is behind a pointer.

use crate::{Dump, DumpError, Dumper, Exclusive, Load, LoadError, Loader, Outbound, Service};
use std::{borrow::Cow, sync::Arc};

impl<T: Load> Load for Box<T> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.reserve::<T>(1);
        T::load(loader).map(Self::new)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Self::new)
    }
}

impl<T: Outbound> Outbound for Box<T> {
    type Arrives = Box<T::Arrives>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        (*self).send(dumper)
    }
}

impl<T: Load> Load for Arc<T> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.reserve::<T>(1);
        T::load(loader).map(Self::new)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Self::new)
    }
}

/// A value that others hold as well is copied; an object that others hold as well goes by reference,
/// and its methods run on the one that they hold.
impl<T: Outbound + Send + Sync + 'static> Outbound for Arc<T> {
    type Arrives = T::Arrives;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::send_shared(self, dumper)
    }
}

/// The cell of an object whose methods take `&mut self`.
impl<T: Service<Cell = Self>> Outbound for Exclusive<T>
where
    T::Proxy: Load,
{
    type Arrives = T::Proxy;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.export(Arc::new(self))
    }

    fn send_shared(shared: Arc<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.export(shared)
    }
}

impl<T> Outbound for Cow<'static, [T]>
where
    T: Dump + Load + Clone + Send + Sync + 'static,
{
    type Arrives = Self;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}
