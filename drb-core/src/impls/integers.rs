//! Integers of all sizes.

use crate::{
    Dump, DumpError, Dumper, Load, LoadError, LoadErrorKind, Loader, Outbound, load::Kind,
};
use std::num::NonZero;

/// Integers that fit 64 bits with a sign.
macro_rules! narrow {
    ($($ty:ident),*) => {$(
        impl Dump for $ty {
            #[inline]
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.int(i64::from(*self))
            }
        }

        impl Load for $ty {
            #[inline]
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                let value = loader.i64().map_err(|error| error.fitting(stringify!($ty)))?;
                Self::try_from(value).map_err(|_| out_of_range(value, stringify!($ty)))
            }
        }

        by_value!([] $ty);
    )*};
}

/// Integers that may need more.
macro_rules! wide {
    ($($ty:ident: $wide:ident, $dump:ident);* $(;)?) => {$(
        impl Dump for $ty {
            #[inline]
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                match i64::try_from(*self) {
                    Ok(narrow) => dumper.int(narrow),
                    // No integer of these types has more than 128 bits.
                    Err(_) => dumper.$dump(*self as $wide),
                }
            }
        }

        impl Load for $ty {
            #[inline(always)]
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                /// What is not small.
                #[inline(never)]
                fn any(loader: &mut Loader<'_>) -> Result<$ty, LoadError> {
                    let value = loader.$wide().map_err(|error| error.fitting(stringify!($ty)))?;
                    $ty::try_from(value).map_err(|_| out_of_range(value, stringify!($ty)))
                }

                match loader.small_int() {
                    Some(small) => {
                        Self::try_from(small).map_err(|_| out_of_range(small, stringify!($ty)))
                    }
                    None => any(loader),
                }
            }
        }

        by_value!([] $ty);
    )*};
}

narrow!(i8, i16, i32, u16, u32);
wide! { isize: i128, int128; u64: u128, uint128; usize: u128, uint128 }

#[cold]
fn out_of_range(value: impl ToString, target: &'static str) -> LoadError {
    LoadErrorKind::OutOfRange { value: value.to_string(), target }.into()
}

macro_rules! own {
    ($($ty:ident: $dump:ident),*) => {$(
        impl Dump for $ty {
            #[inline]
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.$dump(*self)
            }
        }

        impl Load for $ty {
            #[inline]
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                loader.$ty()
            }
        }

        by_value!([] $ty);
    )*};
}

own!(i64: int, i128: int128, u128: uint128);

impl Dump for u8 {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.int(i64::from(*self))
    }

    fn dump_slice(items: &[Self], dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.bytes(items)
    }

    fn dump_own_vec(items: Vec<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.own_bytes(items)
    }
}

impl Load for u8 {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let value = loader.i64().map_err(|error| error.fitting("u8"))?;
        Self::try_from(value).map_err(|_| out_of_range(value, "u8"))
    }

    /// From a string of any encoding; an array of integers will do, too.
    fn load_vec(loader: &mut Loader<'_>) -> Result<Vec<Self>, LoadError> {
        if loader.kind()? != Kind::Array {
            return Ok(loader.bytes()?.into_owned());
        }
        let len = loader.array()?;
        let mut items = Vec::with_capacity(loader.reserve::<Self>(len));
        for index in 0..len {
            items.push(Self::load(loader).map_err(|error| error.at(index))?);
        }
        loader.end()?;
        Ok(items)
    }
}

impl Outbound for u8 {
    type Arrives = Self;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }

    fn send_vec(items: Vec<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.own_bytes(items)
    }

    fn send_shared(shared: std::sync::Arc<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        shared.dump(dumper)
    }
}

macro_rules! non_zero {
    ($($ty:ident),*) => {$(
        impl Dump for NonZero<$ty> {
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                self.get().dump(dumper)
            }
        }

        impl Load for NonZero<$ty> {
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                const NAME: &str = concat!("NonZero<", stringify!($ty), ">");
                let value = $ty::load(loader).map_err(|error| error.fitting(NAME))?;
                Self::new(value).ok_or_else(|| out_of_range(value, NAME))
            }
        }

        by_value!([] NonZero<$ty>);
    )*};
}

non_zero!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);
