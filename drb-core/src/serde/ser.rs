//! serde's data model onto a wire.

use crate::{Dump, DumpError, Dumper, Value};
use serde::ser::{self, Serialize};
use std::fmt;

pub(super) struct Serializer<'a, 'd> {
    pub(super) dumper: &'a mut Dumper<'d>,
}

/// What is serialized one part after the other.
pub(super) struct Parts<'a, 'd> {
    dumper: &'a mut Dumper<'d>,
    /// How many are to come.
    left: usize,
    /// Whether this is within a Hash of one key, the variant's name.
    is_variant: bool,
}

/// A sequence or map, of which serde may not know how long it is.
pub(super) enum Counted<'a, 'd> {
    Known(Parts<'a, 'd>),
    /// The parts so far; their number has to be written before them.
    Unknown(&'a mut Dumper<'d>, Vec<Value>),
}

impl ser::Error for DumpError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::custom(message.to_string())
    }
}

/// A value that is dumped on its own.
struct Single<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Dump for Single<'_, T> {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.0.serialize(Serializer { dumper })
    }
}

impl<'a, 'd> Parts<'a, 'd> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DumpError> {
        self.left = self.left.checked_sub(1).ok_or_else(miscounted)?;
        Single(value).dump(self.dumper)
    }

    fn named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), DumpError> {
        self.dumper.symbol(name)?;
        self.part(value)
    }

    fn finish(self) -> Result<(), DumpError> {
        if self.left > 0 {
            return Err(miscounted());
        }
        self.dumper.end();
        if self.is_variant {
            self.dumper.end();
        }
        Ok(())
    }
}

#[cold]
fn miscounted() -> DumpError {
    DumpError::custom("a `Serialize` whose parts are not as many as it says")
}

impl<'a, 'd> Serializer<'a, 'd> {
    /// Begins the Hash of one key that a variant with data is.
    fn variant(&mut self, variant: &str) -> Result<(), DumpError> {
        self.dumper.map(1)?;
        self.dumper.symbol(variant)
    }

    /// A variant with several parts, which are in what `begin` begins.
    fn variant_parts(
        mut self,
        variant: &str,
        len: usize,
        begin: impl FnOnce(&mut Dumper<'d>, usize) -> Result<(), DumpError>,
    ) -> Result<Parts<'a, 'd>, DumpError> {
        self.variant(variant)?;
        begin(self.dumper, len)?;
        Ok(self.parts(len, true))
    }

    fn parts(self, left: usize, is_variant: bool) -> Parts<'a, 'd> {
        Parts { dumper: self.dumper, left, is_variant }
    }
}

macro_rules! scalars {
    ($($method:ident($ty:ty) => $dump:ident as $wide:ty),* $(,)?) => {$(
        fn $method(self, value: $ty) -> Result<(), DumpError> {
            self.dumper.$dump(<$wide>::from(value))
        }
    )*};
}

impl<'a, 'd> ser::Serializer for Serializer<'a, 'd> {
    type Ok = ();
    type Error = DumpError;
    type SerializeSeq = Counted<'a, 'd>;
    type SerializeTuple = Parts<'a, 'd>;
    type SerializeTupleStruct = Parts<'a, 'd>;
    type SerializeTupleVariant = Parts<'a, 'd>;
    type SerializeMap = Counted<'a, 'd>;
    type SerializeStruct = Parts<'a, 'd>;
    type SerializeStructVariant = Parts<'a, 'd>;

    scalars! {
        serialize_bool(bool) => bool as bool,
        serialize_i8(i8) => int as i64,
        serialize_i16(i16) => int as i64,
        serialize_i32(i32) => int as i64,
        serialize_i64(i64) => int as i64,
        serialize_i128(i128) => int128 as i128,
        serialize_u8(u8) => int as i64,
        serialize_u16(u16) => int as i64,
        serialize_u32(u32) => int as i64,
        serialize_u64(u64) => uint128 as u128,
        serialize_u128(u128) => uint128 as u128,
        serialize_f32(f32) => float as f64,
        serialize_f64(f64) => float as f64,
    }

    fn serialize_char(self, value: char) -> Result<(), DumpError> {
        value.dump(self.dumper)
    }

    fn serialize_str(self, value: &str) -> Result<(), DumpError> {
        self.dumper.str(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), DumpError> {
        self.dumper.bytes(value)
    }

    fn serialize_none(self) -> Result<(), DumpError> {
        self.dumper.nil()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), DumpError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), DumpError> {
        self.dumper.nil()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), DumpError> {
        self.dumper.nil()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), DumpError> {
        self.dumper.symbol(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), DumpError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), DumpError> {
        self.variant(variant)?;
        Single(value).dump(self.dumper)?;
        self.dumper.end();
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Counted<'a, 'd>, DumpError> {
        match len {
            Some(len) => self.serialize_tuple(len).map(Counted::Known),
            None => Ok(Counted::Unknown(self.dumper, Vec::new())),
        }
    }

    fn serialize_tuple(self, len: usize) -> Result<Parts<'a, 'd>, DumpError> {
        self.dumper.array(len)?;
        Ok(self.parts(len, false))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Parts<'a, 'd>, DumpError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'a, 'd>, DumpError> {
        self.variant_parts(variant, len, Dumper::array)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Counted<'a, 'd>, DumpError> {
        let Some(len) = len else { return Ok(Counted::Unknown(self.dumper, Vec::new())) };
        self.dumper.map(len)?;
        Ok(Counted::Known(self.parts(len.saturating_mul(2), false)))
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Parts<'a, 'd>, DumpError> {
        self.dumper.map(len)?;
        Ok(self.parts(len, false))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Parts<'a, 'd>, DumpError> {
        self.variant_parts(variant, len, Dumper::map)
    }
}

impl Counted<'_, '_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DumpError> {
        match self {
            Self::Known(parts) => parts.part(value),
            Self::Unknown(_, values) => {
                values.push(Value::from_dump(&Single(value))?);
                Ok(())
            }
        }
    }
}

impl ser::SerializeSeq for Counted<'_, '_> {
    type Ok = ();
    type Error = DumpError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DumpError> {
        self.part(value)
    }

    fn end(self) -> Result<(), DumpError> {
        match self {
            Self::Known(parts) => parts.finish(),
            Self::Unknown(dumper, values) => values.dump(dumper),
        }
    }
}

impl ser::SerializeMap for Counted<'_, '_> {
    type Ok = ();
    type Error = DumpError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), DumpError> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DumpError> {
        self.part(value)
    }

    fn end(self) -> Result<(), DumpError> {
        let (dumper, values) = match self {
            Self::Known(parts) => return parts.finish(),
            Self::Unknown(dumper, values) => (dumper, values),
        };
        dumper.map(values.len() / 2)?;
        values.iter().try_for_each(|value| value.dump(dumper))?;
        dumper.end();
        Ok(())
    }
}

macro_rules! unnamed {
    ($($name:ident $method:ident),*) => {$(
        impl ser::$name for Parts<'_, '_> {
            type Ok = ();
            type Error = DumpError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DumpError> {
                self.part(value)
            }

            fn end(self) -> Result<(), DumpError> {
                self.finish()
            }
        }
    )*};
}

unnamed!(
    SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! named {
    ($($name:ident),*) => {$(
        impl ser::$name for Parts<'_, '_> {
            type Ok = ();
            type Error = DumpError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), DumpError> {
                self.named(name, value)
            }

            fn end(self) -> Result<(), DumpError> {
                self.finish()
            }
        }
    )*};
}

named!(SerializeStruct, SerializeStructVariant);
