//! Keys with values.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Outbound, Value, value::Map};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash},
};

macro_rules! maps {
    ($([$($bounds:tt)*] $ty:ty;)*) => {$(
        impl<K: Dump, V: Dump, $($bounds)*> Dump for $ty {
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.map(self.len())?;
                for (key, value) in self {
                    key.dump(dumper)?;
                    value.dump(dumper)?;
                }
                dumper.end();
                Ok(())
            }
        }
    )*};
}

maps! {
    [S] HashMap<K, V, S>;
    [] BTreeMap<K, V>;
}

impl<K, V, S> Load for HashMap<K, V, S>
where
    K: Load + Eq + Hash,
    V: Load,
    S: BuildHasher + Default,
{
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let len = loader.map()?;
        let room = loader.reserve::<(K, V)>(len);
        let mut map = Self::with_capacity_and_hasher(room, S::default());
        for index in 0..len {
            let (key, value) = entry(loader, index)?;
            map.insert(key, value);
        }
        loader.end()?;
        Ok(map)
    }
}

impl<K: Load + Ord, V: Load> Load for BTreeMap<K, V> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let len = loader.map()?;
        loader.reserve::<(K, V)>(len);
        let mut map = Self::new();
        for index in 0..len {
            let (key, value) = entry(loader, index)?;
            map.insert(key, value);
        }
        loader.end()?;
        Ok(map)
    }
}

fn entry<K: Load, V: Load>(loader: &mut Loader<'_>, index: usize) -> Result<(K, V), LoadError> {
    let key = K::load(loader).map_err(|error| error.within("key").at(index))?;
    let value = V::load(loader).map_err(|error| error.within("value").at(index))?;
    Ok((key, value))
}

impl<K, V, S> Outbound for HashMap<K, V, S>
where
    K: Outbound<Arrives: Eq + Hash>,
    V: Outbound,
    S: BuildHasher + Default + Send + 'static,
{
    type Arrives = HashMap<K::Arrives, V::Arrives, S>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        send(self.len(), self, dumper)
    }
}

impl<K: Outbound<Arrives: Ord>, V: Outbound> Outbound for BTreeMap<K, V> {
    type Arrives = BTreeMap<K::Arrives, V::Arrives>;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        send(self.len(), self, dumper)
    }
}

fn send<K: Outbound, V: Outbound>(
    len: usize,
    entries: impl IntoIterator<Item = (K, V)>,
    dumper: &mut Dumper<'_>,
) -> Result<(), DumpError> {
    dumper.map(len)?;
    for (key, value) in entries {
        key.send(dumper)?;
        value.send(dumper)?;
    }
    dumper.end();
    Ok(())
}

by_value!([] Map);

/// A map whose entries keep their order.
impl Dump for Map {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.value(&self.clone().into())
    }
}

impl Load for Map {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        match loader.value()? {
            Value::Map(map) => Ok(map),
            other => Err(crate::LoadErrorKind::Mismatch {
                expected: "a Hash".into(),
                found: format!("a {}", other.class()).into(),
            }
            .into()),
        }
    }
}
