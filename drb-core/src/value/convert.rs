//! From the types of Rust to values, and back.

use super::{
    Array, BigInt, Dumped, Encoding, Float, Map, MapBody, Marshaled, Module, Object, ReferenceBody,
    ReferenceValue, Regexp, Str, Symbol, Value,
};
use crate::{
    Dump, DumpError, Dumper, Limits, Load, LoadError, Loader, Reference, Remote, Session,
    budget::Budget, marshal,
};
use std::sync::Arc;

impl Value {
    /// What `value` is when it arrives.
    ///
    /// # Errors
    /// See [`Dump::dump`]. A value that exports an object can only be dumped into a message.
    ///
    /// ```
    /// use drb_core::Value;
    ///
    /// assert_eq!(Value::from_dump("text")?, Value::from("text"));
    /// # Ok::<(), drb_core::DumpError>(())
    /// ```
    pub fn from_dump<T: Dump + ?Sized>(value: &T) -> Result<Self, DumpError> {
        Self::from_dump_with(None, |dumper| value.dump(dumper))
    }

    /// The value that `dump` writes, which may refer to objects of this process.
    pub(crate) fn from_dump_with(
        session: Option<&dyn Session>,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) -> Result<Self, DumpError> {
        let mut bytes = Vec::new();
        let mut dumper = Dumper::marshal(&mut bytes, &unbounded(), session);
        dump(&mut dumper)?;
        dumper.finish()?;
        Loader::marshal_with(&bytes, Budget::trusting(), None)
            .and_then(|mut loader| loader.value())
            .map_err(|error| DumpError::custom(error.to_string()))
    }

    /// Loads a `T` as if the value had just arrived as one.
    ///
    /// # Errors
    /// See [`Load::load`]. The error says [`NoSession`](crate::LoadErrorKind::NoSession) if the
    /// value holds a reference and `T` a proxy; see [`Value::to_with`].
    pub fn to<T: Load>(&self) -> Result<T, LoadError> {
        self.to_with(None)
    }

    /// Like [`Value::to`], with a peer that references are called through.
    ///
    /// # Errors
    /// See [`Load::load`].
    pub fn to_with<T: Load>(&self, session: Option<&dyn Session>) -> Result<T, LoadError> {
        let bytes = self.to_marshal().map_err(|error| LoadError::custom(error.to_string()))?;
        T::load(&mut Loader::marshal_with(&bytes, Budget::trusting(), session)?)
    }

    /// The value as a stream of Ruby's Marshal: what `Marshal.dump` gives.
    ///
    /// # Errors
    /// The value is nested too deep, or a [`Cycle`](super::Cycle)'s value is gone.
    ///
    /// ```
    /// use drb_core::Value;
    ///
    /// assert_eq!(Value::from(300).to_marshal()?, b"\x04\x08i\x02\x2c\x01");
    /// # Ok::<(), drb_core::DumpError>(())
    /// ```
    pub fn to_marshal(&self) -> Result<Vec<u8>, DumpError> {
        let mut bytes = Vec::new();
        let mut dumper = Dumper::marshal(&mut bytes, &unbounded(), None);
        dumper.value(self)?;
        dumper.finish()?;
        Ok(bytes)
    }

    /// A value from a stream of Ruby's Marshal, within the default [`Limits`].
    ///
    /// # Errors
    /// The stream is malformed or exceeds a limit.
    pub fn from_marshal(bytes: &[u8]) -> Result<Self, LoadError> {
        Loader::marshal(bytes, &Limits::default(), None)?.value()
    }

    /// A symbol.
    pub fn symbol(name: &str) -> Self {
        Self::Symbol(Symbol::from(name))
    }

    /// A string of bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Str(Str::new(bytes, Encoding::Binary))
    }
}

fn unbounded() -> Limits {
    Limits { message: usize::MAX, references: usize::MAX, ..Limits::default() }
}

/// Conversions by name of the variant.
macro_rules! variants {
    ($($variant:ident($ty:ty)),* $(,)?) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

variants! {
    Bool(bool), Int(i64), Int(i8), Int(i16), Int(i32), Int(u8), Int(u16), Int(u32), Float(f64),
    Float(f32), Float(Float), Symbol(Symbol), Str(&str), Str(String), Str(Str), Array(Array),
    Map(Map), Object(Object), Dumped(Dumped), Marshaled(Marshaled), Regexp(Regexp), Module(Module),
    Reference(ReferenceValue), Reference(Reference), Reference(Remote),
}

impl From<f32> for Float {
    fn from(value: f32) -> Self {
        Self::from(f64::from(value))
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Nil
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::new(text, Encoding::Utf8)
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::new(text, Encoding::Utf8)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Reference> for ReferenceValue {
    fn from(reference: Reference) -> Self {
        Self::of(ReferenceBody { reference, came_as: None, held: None })
    }
}

/// As long as the value is there, the object is held as by the proxy.
impl From<Remote> for ReferenceValue {
    fn from(remote: Remote) -> Self {
        let reference = remote.reference().clone();
        Self::of(ReferenceBody { reference, came_as: None, held: Some(remote) })
    }
}

/// Integers that may need more than 64 bits.
macro_rules! wide {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Value {
            #[allow(unused_comparisons)]
            fn from(value: $ty) -> Self {
                match i64::try_from(value) {
                    Ok(value) => Self::Int(value),
                    Err(_) => {
                        #[allow(clippy::absurd_extreme_comparisons)]
                        let negative = value < 0;
                        let magnitude = value.abs_diff(0);
                        Self::BigInt(BigInt::new(negative, &magnitude.to_le_bytes()))
                    }
                }
            }
        }
    )*};
}

wide!(u64, i128, u128, usize, isize);

/// The plain integer where Ruby has one: up to 62 bits.
impl From<BigInt> for Value {
    fn from(value: BigInt) -> Self {
        match value.to_i64() {
            Some(plain) if is_fixnum(plain) => Self::Int(plain),
            _ => Self::BigInt(value),
        }
    }
}

/// Whether Ruby (on a machine of 64 bits) keeps an integer without an object.
fn is_fixnum(value: i64) -> bool {
    (-(1 << 62)..1 << 62).contains(&value)
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Self {
        Self::Array(items.into_iter().collect())
    }
}

impl<T: Into<Value>> FromIterator<T> for Array {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::of(super::ArrayBody { items: items.into_iter().map(Into::into).collect() })
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        Self::of(MapBody { entries: entries.collect(), ..MapBody::default() })
    }
}

/// A map.
impl<K: Into<Self>, V: Into<Self>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().collect())
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<i64> for Value {
    fn eq(&self, other: &i64) -> bool {
        self.as_i64() == Some(*other)
    }
}

impl Dumped {
    /// The moment, if this is a Ruby `Time`.
    pub(crate) fn as_time(&self) -> Option<marshal::Moment> {
        let bytes = Value::Dumped(self.clone()).to_marshal().ok()?;
        let mut loader = Loader::marshal_with(&bytes, Budget::trusting(), None).ok()?;
        loader.time().ok()
    }
}

impl Str {
    /// A string whose bytes can be shared no longer than they need to be: the bytes themselves, if
    /// nobody else has them.
    pub fn into_bytes(self) -> Vec<u8> {
        match Arc::try_unwrap(self.0) {
            Ok(node) => node.body.bytes,
            Err(shared) => shared.body.bytes.clone(),
        }
    }
}
