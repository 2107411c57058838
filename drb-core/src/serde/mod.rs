//! Types that serde knows, with the feature `serde`.

mod de;
mod ser;

use crate::{Arg, Dump, DumpError, Dumper, Load, LoadError, Loader, Outbound};
use serde::{Serialize, de::DeserializeOwned};

/// A type that serde knows, as a value that crosses by copy.
///
/// By names, so that Ruby sees what it expects: a struct is a Hash with symbols as keys, a variant
/// without data is a symbol, one with data a Hash of one key, `{circle: {r: 1.0}}`. Objects of Ruby
/// classes are loaded by the names of their instance variables.
///
/// ```
/// use drb_core::{Serde, Value};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Point {
///     x: i32,
///     y: Option<i32>,
/// }
///
/// let value = Value::from_dump(&Serde(Point { x: 1, y: None }))?;
/// assert_eq!(value.to_string(), "{:x=>1, :y=>nil}");
/// assert_eq!(value.to::<Serde<Point>>().unwrap().0, Point { x: 1, y: None });
/// # Ok::<(), drb_core::DumpError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Serde<T>(pub T);

impl<T> From<T> for Serde<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize> Dump for Serde<T> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.0.serialize(ser::Serializer { dumper })
    }
}

impl<T: DeserializeOwned> Load for Serde<T> {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        T::deserialize(de::Deserializer { loader }).map(Self)
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Outbound for Serde<T> {
    type Arrives = Self;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }

    fn send_shared(shared: std::sync::Arc<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        shared.dump(dumper)
    }
}

/// Where a method takes `Serde<T>`, a caller may give a reference to a `T` in `Serde`.
impl<T: Serialize> Arg<Serde<T>> for Serde<&T> {
    fn dump_arg(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}
