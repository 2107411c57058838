//! Values without parts.

use crate::{
    Dump, DumpError, Dumper, Load, LoadError, Loader, Symbol, Value,
    value::{Encoding, Float},
};
use std::{marker::PhantomData, sync::Arc};

by_value!([] Value, [] (), [] bool, [] f32, [] f64, [] Float, [] char, [] Symbol);
by_value!([T: Send + 'static] PhantomData<T>);

impl Dump for Value {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.value(self)
    }
}

impl Load for Value {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        // For Ruby it is an Array as soon as it has arrived; only drb knows the class.
        if loader.is_drb_array()? {
            return Self::load_vec(loader).map(Self::from);
        }
        loader.value()
    }
}

impl Dump for () {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.nil()
    }
}

impl Load for () {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        // Where nothing is wanted, anything will do: a Ruby method always gives something.
        loader.skip()
    }
}

impl<T> Dump for PhantomData<T> {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.nil()
    }
}

impl<T> Load for PhantomData<T> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.skip().map(|()| Self)
    }

    #[inline]
    fn absent() -> Option<Self> {
        Some(Self)
    }
}

impl Dump for bool {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bool(*self)
    }
}

impl Load for bool {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.bool()
    }
}

impl Dump for f64 {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.float(*self)
    }
}

impl Load for f64 {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.f64()
    }
}

/// Ruby's floats have 64 bits, so the value that arrives may be one that is rounded.
impl Dump for f32 {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.float(f64::from(*self))
    }
}

impl Load for f32 {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.f64().map(|value| value as Self)
    }
}

impl Dump for Float {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.float(self.get())
    }
}

impl Load for Float {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.f64().map(Self::from)
    }
}

/// A string of one character.
impl Dump for char {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.str(self.encode_utf8(&mut [0; 4]))
    }
}

impl Load for char {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let text = loader.str()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(LoadError::custom(format!(
                "expected a String of one character, got one of {}",
                text.chars().count()
            ))),
        }
    }
}

impl Dump for Symbol {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self.encoding() {
            Encoding::UsAscii => dumper.symbol(self.as_str()),
            // What says that it is UTF-8 need not be.
            _ => dumper.value(&Value::Symbol(self.clone())),
        }
    }
}

impl Load for Symbol {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        match loader.value()? {
            Value::Symbol(symbol) => Ok(symbol),
            Value::Str(text) => Ok(Self::with_encoding(text.as_bytes(), text.encoding().clone())),
            other => Err(crate::LoadErrorKind::Mismatch {
                expected: "a Symbol".into(),
                found: format!("a {}", other.class()).into(),
            }
            .into()),
        }
    }
}

/// Dumping through a pointer.
macro_rules! through {
    ($($ty:ty),*) => {$(
        impl<T: Dump + ?Sized> Dump for $ty {
            #[inline]
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                (**self).dump(dumper)
            }
        }
    )*};
}

through!(&T, &mut T, Box<T>, Arc<T>);
