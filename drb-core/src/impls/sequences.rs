//! One value after the other, and at most one.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Outbound};
use std::collections::{LinkedList, VecDeque};

impl<T: Dump> Dump for [T] {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::dump_slice(self, dumper)
    }
}

impl<T: Dump> Dump for Vec<T> {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::dump_slice(self, dumper)
    }

    #[inline]
    fn dump_own(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::dump_own_vec(self, dumper)
    }
}

impl<T: Load> Load for Vec<T> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        T::load_vec(loader)
    }
}

impl<T: Outbound> Outbound for Vec<T> {
    type Arrives = Vec<T::Arrives>;

    #[inline]
    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::send_vec(self, dumper)
    }
}

impl<T: Dump, const N: usize> Dump for [T; N] {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::dump_slice(self, dumper)
    }
}

impl<T: Load, const N: usize> Load for [T; N] {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Self::try_from(T::load_vec(loader)?).map_err(|items| {
            LoadError::custom(format!("expected {N} elements, got {}", items.len()))
        })
    }
}

impl<T: Outbound, const N: usize> Outbound for [T; N] {
    type Arrives = [T::Arrives; N];

    #[inline]
    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::send_vec(self.into(), dumper)
    }
}

impl<T: Load> Load for Box<[T]> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        T::load_vec(loader).map(Vec::into_boxed_slice)
    }
}

impl<T: Outbound> Outbound for Box<[T]> {
    type Arrives = Box<[T::Arrives]>;

    #[inline]
    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        T::send_vec(self.into_vec(), dumper)
    }
}

/// Other sequences.
macro_rules! sequences {
    ($($ty:ident),*) => {$(
        impl<T: Dump> Dump for $ty<T> {
            #[inline]
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.array(self.len())?;
                self.iter().try_for_each(|item| item.dump(dumper))?;
                dumper.end();
                Ok(())
            }
        }

        impl<T: Load> Load for $ty<T> {
            #[inline]
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                T::load_vec(loader).map(|items| items.into_iter().collect())
            }
        }

        impl<T: Outbound> Outbound for $ty<T> {
            type Arrives = $ty<T::Arrives>;

            #[inline]
            fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                T::send_vec(self.into_iter().collect(), dumper)
            }
        }
    )*};
}

sequences!(VecDeque, LinkedList);

impl<T: Dump> Dump for Option<T> {
    #[inline]
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Some(value) => value.dump(dumper),
            None => dumper.nil(),
        }
    }

    #[inline]
    fn dump_own(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Some(value) => value.dump_own(dumper),
            None => dumper.nil(),
        }
    }
}

impl<T: Load> Load for Option<T> {
    #[inline]
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        if loader.take_nil()? { Ok(None) } else { T::load(loader).map(Some) }
    }

    #[inline]
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Outbound> Outbound for Option<T> {
    type Arrives = Option<T::Arrives>;

    #[inline]
    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Some(value) => value.send(dumper),
            None => dumper.nil(),
        }
    }
}
