//! serde's data model off a wire.

use crate::{Dumper, Kind, Limits, Load, LoadError, Loader, Symbol, Value, budget::Budget};
use serde::de::{self, DeserializeSeed, Visitor, value::StringDeserializer};
use std::fmt;

pub(super) struct Deserializer<'a, 'l> {
    pub(super) loader: &'a mut Loader<'l>,
}

/// The elements of an array, or the keys and values of a map, one after the other.
struct Parts<'a, 'l> {
    loader: &'a mut Loader<'l>,
    left: usize,
    /// Whether each is followed by a value that says nothing.
    followed: bool,
}

impl de::Error for LoadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::custom(message.to_string())
    }
}

impl<'a, 'l> Deserializer<'a, 'l> {
    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        match self.loader.kind()? {
            Kind::Nil => {
                self.loader.skip()?;
                visitor.visit_unit()
            }
            Kind::Bool => visitor.visit_bool(self.loader.bool()?),
            Kind::Int => self.integer(visitor),
            Kind::Float => visitor.visit_f64(self.loader.f64()?),
            Kind::Symbol => visitor.visit_str(&self.loader.str()?),
            Kind::Str => match self.loader.value()? {
                Value::Str(text) => match text.to_text() {
                    Some(text) => visitor.visit_str(&text),
                    None => visitor.visit_bytes(text.as_bytes()),
                },
                _ => Err(self.loader.mismatch("a String")),
            },
            Kind::Array => self.sequence(visitor),
            Kind::Map | Kind::Object => self.map(visitor),
            _ => Err(self.loader.mismatch("a value that serde knows")),
        }
    }

    /// In the narrowest type, which is what most visitors take.
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        let (negative, magnitude) = self.loader.big_int()?;
        let mut bytes = [0; 16];
        let Some(head) = bytes.get_mut(..magnitude.len()) else {
            return Err(LoadError::custom("an integer of more than 128 bits"));
        };
        head.copy_from_slice(&magnitude);
        let magnitude = u128::from_le_bytes(bytes);
        if !negative {
            return match u64::try_from(magnitude) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_u128(magnitude),
            };
        }
        let value = 0_i128
            .checked_sub_unsigned(magnitude)
            .ok_or_else(|| LoadError::custom("an integer of more than 128 bits"))?;
        match i64::try_from(value) {
            Ok(value) => visitor.visit_i64(value),
            Err(_) => visitor.visit_i128(value),
        }
    }

    fn sequence<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        let (left, followed) = match self.loader.kind()? {
            Kind::Array => (self.loader.array()?, false),
            _ => self.loader.set()?,
        };
        let mut parts = Parts { loader: self.loader, left, followed };
        let value = visitor.visit_seq(&mut parts)?;
        parts.finish()?;
        Ok(value)
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        if self.loader.kind()? == Kind::Object {
            return self.object(visitor);
        }
        let left = self.loader.map()?.saturating_mul(2);
        let mut parts = Parts { loader: self.loader, left, followed: false };
        let value = visitor.visit_map(&mut parts)?;
        parts.finish()?;
        Ok(value)
    }

    /// An object as the map of its fields: it is read twice, as serde doesn't know classes.
    fn object<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        let value = self.loader.value()?;
        let Some(object) = value.as_object() else {
            return Err(LoadError::custom(format!("expected a Hash, got a {}", value.class())));
        };
        let bare = |name: &Symbol| Value::symbol(name.as_str().trim_start_matches('@'));
        let fields: Value =
            object.fields().iter().map(|(name, value)| (bare(name), value.clone())).collect();
        let mut bytes = Vec::new();
        let mut dumper = Dumper::marshal(&mut bytes, &Limits::default(), None);
        dumper.value(&fields).map_err(|error| LoadError::custom(error.to_string()))?;
        let mut loader = Loader::marshal_with(&bytes, Budget::trusting(), self.loader.session())?;
        Deserializer { loader: &mut loader }.map(visitor)
    }
}

impl Parts<'_, '_> {
    fn finish(self) -> Result<(), LoadError> {
        if self.left > 0 {
            return Err(LoadError::custom(format!("{} elements too many", self.left)));
        }
        self.loader.end()
    }

    fn next<'de, S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, LoadError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.loader.reserve::<S::Value>(1);
        let value = seed.deserialize(Deserializer { loader: self.loader })?;
        if self.followed {
            self.loader.skip()?;
        }
        Ok(Some(value))
    }
}

impl<'de> de::SeqAccess<'de> for &mut Parts<'_, '_> {
    type Error = LoadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, LoadError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        // No more than what can have arrived: each has a byte.
        Some(self.left)
    }
}

impl<'de> de::MapAccess<'de> for &mut Parts<'_, '_> {
    type Error = LoadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, LoadError> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, LoadError> {
        self.next(seed)?.ok_or_else(|| LoadError::custom("a key without a value"))
    }
}

macro_rules! scalars {
    ($($method:ident $load:ty, $visit:ident);* $(;)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
            visitor.$visit(<$load>::load(self.loader)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Deserializer<'_, '_> {
    type Error = LoadError;

    scalars! {
        deserialize_bool bool, visit_bool;
        deserialize_i8 i8, visit_i8;
        deserialize_i16 i16, visit_i16;
        deserialize_i32 i32, visit_i32;
        deserialize_i64 i64, visit_i64;
        deserialize_i128 i128, visit_i128;
        deserialize_u8 u8, visit_u8;
        deserialize_u16 u16, visit_u16;
        deserialize_u32 u32, visit_u32;
        deserialize_u64 u64, visit_u64;
        deserialize_u128 u128, visit_u128;
        deserialize_f32 f32, visit_f32;
        deserialize_f64 f64, visit_f64;
        deserialize_char char, visit_char;
        deserialize_string String, visit_string;
        deserialize_byte_buf Vec<u8>, visit_byte_buf;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        self.any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        visitor.visit_str(&self.loader.str()?)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        match self.loader.kind()? {
            Kind::Symbol | Kind::Str => visitor.visit_str(&self.loader.str()?),
            _ => self.any(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        visitor.visit_byte_buf(Vec::load(self.loader)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        if self.loader.take_nil()? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        match self.loader.take_nil()? {
            true => visitor.visit_unit(),
            false => Err(self.loader.mismatch("nil")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        self.sequence(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        self.sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        self.sequence(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        match self.loader.kind()? {
            Kind::Array => self.sequence(visitor),
            _ => self.map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        if self.loader.kind()? != Kind::Map {
            let name = self.loader.str()?.into_owned();
            let name: StringDeserializer<LoadError> = de::IntoDeserializer::into_deserializer(name);
            return visitor.visit_enum(name);
        }
        let len = self.loader.map()?;
        if len != 1 {
            return Err(LoadError::custom(format!(
                "expected a Hash of one key, a variant's name; got one of {len}"
            )));
        }
        let value = visitor.visit_enum(Variant { loader: &mut *self.loader })?;
        self.loader.end()?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LoadError> {
        self.loader.skip()?;
        visitor.visit_unit()
    }
}

/// A variant with data.
struct Variant<'a, 'l> {
    loader: &'a mut Loader<'l>,
}

impl<'de, 'a, 'l> de::EnumAccess<'de> for Variant<'a, 'l> {
    type Error = LoadError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), LoadError> {
        let name = seed.deserialize(Deserializer { loader: &mut *self.loader })?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_> {
    type Error = LoadError;

    fn unit_variant(self) -> Result<(), LoadError> {
        self.loader.skip()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, LoadError> {
        seed.deserialize(Deserializer { loader: self.loader })
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        Deserializer { loader: self.loader }.sequence(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, LoadError> {
        Deserializer { loader: self.loader }.map(visitor)
    }
}
