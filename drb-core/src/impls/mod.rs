//! The types of std, and of other crates, that hold values.

/// A type that arrives as itself: its [`Outbound`](crate::Outbound) is its [`Dump`](crate::Dump).
macro_rules! by_value {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => {$(
        impl<$($generics)*> $crate::Outbound for $ty {
            type Arrives = Self;

            #[inline]
            fn send(self, dumper: &mut $crate::Dumper<'_>) -> Result<(), $crate::DumpError> {
                $crate::Dump::dump_own(self, dumper)
            }

            fn send_shared(
                shared: ::std::sync::Arc<Self>,
                dumper: &mut $crate::Dumper<'_>,
            ) -> Result<(), $crate::DumpError> {
                $crate::Dump::dump(&*shared, dumper)
            }
        }
    )*};
}

mod bytes;
#[cfg(feature = "chrono")]
mod chrono;
mod integers;
mod maps;
mod net;
#[cfg(feature = "num-bigint")]
mod num_bigint;
mod pointers;
mod ranges;
mod scalars;
mod sequences;
mod sets;
mod strings;
mod time;
mod tuples;
#[cfg(feature = "uuid")]
mod uuid;
