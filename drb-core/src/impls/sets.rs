//! Sets: Ruby's `Set`. An array is taken as one.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Outbound};
use std::{
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher, Hash},
};

/// Dumps members, as values or by reference.
fn dump<T>(
    members: impl ExactSizeIterator<Item = T>,
    dumper: &mut Dumper<'_>,
    member: fn(T, &mut Dumper<'_>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    dumper.set(members.len())?;
    for item in members {
        member(item, dumper)?;
        dumper.set_member()?;
    }
    dumper.set_end();
    Ok(())
}

/// Loads members, and gives each to `insert`.
fn load<T: Load>(loader: &mut Loader<'_>, mut insert: impl FnMut(T)) -> Result<(), LoadError> {
    let (len, followed) = loader.set()?;
    loader.reserve::<T>(len);
    for index in 0..len {
        insert(T::load(loader).map_err(|error| error.at(index))?);
        if followed {
            loader.skip()?;
        }
    }
    loader.end()
}

impl<T: Dump, S> Dump for HashSet<T, S> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dump(self.iter(), dumper, T::dump)
    }
}

impl<T: Load + Eq + Hash, S: BuildHasher + Default> Load for HashSet<T, S> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut set = Self::default();
        load(loader, |item| {
            set.insert(item);
        })?;
        Ok(set)
    }
}

impl<T, S> Outbound for HashSet<T, S>
where
    T: Outbound<Arrives: Eq + Hash>,
    S: BuildHasher + Default + Send + 'static,
{
    type Arrives = HashSet<T::Arrives, S>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dump(self.into_iter(), dumper, T::send)
    }
}

impl<T: Dump> Dump for BTreeSet<T> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dump(self.iter(), dumper, T::dump)
    }
}

impl<T: Load + Ord> Load for BTreeSet<T> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut set = Self::default();
        load(loader, |item| {
            set.insert(item);
        })?;
        Ok(set)
    }
}

impl<T: Outbound<Arrives: Ord>> Outbound for BTreeSet<T> {
    type Arrives = BTreeSet<T::Arrives>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dump(self.into_iter(), dumper, T::send)
    }
}
