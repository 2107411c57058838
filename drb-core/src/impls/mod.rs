//! The types of std that hold values.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Outbound, Value};

/// A type that arrives as itself.
macro_rules! by_value {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<$($generics)*> Outbound for $ty {
            type Arrives = Self;

            fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                self.dump(dumper)
            }
        }
    )*};
}

by_value!([] u64, [] i64, [] String, [] (), [] bool, [] Value);

impl Dump for Value {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.value(self)
    }
}

impl Load for Value {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.value()
    }

    fn absent() -> Option<Self> {
        None
    }
}

impl Dump for () {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.nil()
    }
}

impl Load for () {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        // Where nothing is wanted, anything will do: a Ruby method always gives something.
        loader.skip()
    }
}

impl Dump for bool {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bool(*self)
    }
}

impl Load for bool {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.bool()
    }
}

impl Dump for u64 {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.uint128(u128::from(*self))
    }
}

impl Load for u64 {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.i64().map(|n| n as u64)
    }
}

impl Dump for i64 {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.int(*self)
    }
}

impl Load for i64 {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.i64()
    }
}

impl Dump for str {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl Dump for &str {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl Dump for String {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self)
    }
}

impl Load for String {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.str().map(Into::into)
    }
}

impl<T: Dump> Dump for [T] {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.array(self.len())?;
        for item in self {
            item.dump(dumper)?;
        }
        dumper.end();
        Ok(())
    }
}

impl<T: Dump> Dump for Vec<T> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.as_slice().dump(dumper)
    }
}

impl<T: Load> Load for Vec<T> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let len = loader.array()?;
        let mut items = Self::with_capacity(loader.reserve::<T>(len));
        for index in 0..len {
            items.push(T::load(loader).map_err(|error| error.at(index))?);
        }
        loader.end();
        Ok(items)
    }
}

impl<T: Outbound> Outbound for Vec<T> {
    type Arrives = Vec<T::Arrives>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.array(self.len())?;
        for item in self {
            item.send(dumper)?;
        }
        dumper.end();
        Ok(())
    }
}

impl<T: Dump> Dump for Option<T> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Some(value) => value.dump(dumper),
            None => dumper.nil(),
        }
    }
}

impl<T: Load> Load for Option<T> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        if loader.take_nil()? { Ok(None) } else { T::load(loader).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Outbound> Outbound for Option<T> {
    type Arrives = Option<T::Arrives>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Some(value) => value.send(dumper),
            None => dumper.nil(),
        }
    }
}
