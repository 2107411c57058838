//! Reads values whose type is not known.

use super::{
    ext,
    read_typed::pairs,
    reader::{Head, Reader, malformed},
};
use crate::{
    Form, LoadError, Value,
    value::{Array, BigInt, Encoding, Map, MapBody, Object, Str, Symbol},
};

/// What a value of any type takes in memory, besides what it holds.
const NODE: usize = size_of::<Value>();

impl Reader<'_> {
    pub(crate) fn value(&mut self) -> Result<Value, LoadError> {
        let head = self.head()?;
        self.budget.take_memory(NODE)?;
        Ok(match head {
            Head::Nil => Value::Nil,
            Head::Bool(value) => Value::Bool(value),
            Head::Int(value) => value.into(),
            Head::Uint(value) => value.into(),
            Head::Float(value) => value.into(),
            Head::Str(len) => {
                let bytes = self.owned(len)?;
                match String::from_utf8(bytes) {
                    Ok(text) => text.into(),
                    Err(error) => Str::new(error.into_bytes(), Encoding::Utf8).into(),
                }
            }
            Head::Bytes(len) => Value::bytes(self.owned(len)?),
            Head::Array(len) => return self.array_value(len),
            Head::Map(len) => {
                let entries = self.entries(len)?;
                Value::Map(Map::of(MapBody { entries, ..MapBody::default() }))
            }
            Head::Ext(ext::INTEGER, len) => {
                let (negative, magnitude) = self.integer(len)?;
                self.budget.take_memory(len)?;
                BigInt::new(negative, magnitude).into()
            }
            Head::Ext(ext::SYMBOL, len) => {
                let name = self.owned(len)?;
                Symbol::with_encoding(&name, Encoding::Utf8).into()
            }
            Head::Ext(ext::TEXT, len) => {
                let (encoding, bytes) = self.encoded(len)?;
                self.budget.take_memory(len)?;
                Str::new(bytes, Encoding::named(encoding)).into()
            }
            Head::Ext(ext::TIME, len) => {
                let moment = self.moment(len)?;
                let value = Value::from_dump_with(None, |dumper| dumper.time(&moment));
                value.map_err(|error| LoadError::custom(error.to_string()))?
            }
            Head::Ext(ext::REFERENCE, len) => {
                let reference = self.reference_of(len)?;
                self.held_reference(reference)
            }
            Head::Ext(ext::MARSHAL, len) => self.marshal(len, |loader| loader.value())?,
            Head::Ext(..) => {
                return Err(malformed(self.pos(), "an extension type that is none of drb's"));
            }
        })
    }

    fn array_value(&mut self, len: usize) -> Result<Value, LoadError> {
        let Some((ty, mark)) = self.mark(len)? else {
            return Ok(Value::Array(self.items(len)?.into_iter().collect::<Array>()));
        };
        match ty {
            ext::SHAPE => {
                let shape = self.shape(mark)?.clone();
                let values = self.items(len - 1)?;
                if values.len() != shape.fields.len() {
                    return Err(malformed(self.pos(), "a struct with another number of fields"));
                }
                let fields = shape.fields.iter().map(String::as_str).zip(values);
                Ok(match shape.form {
                    Form::Object => Object::new(shape.class.as_str(), fields).into(),
                    Form::Struct => Object::new_struct(shape.class.as_str(), fields).into(),
                    Form::Hash => {
                        fields.map(|(name, value)| (Value::symbol(name), value)).collect()
                    }
                })
            }
            ext::OBJECT | ext::STRUCT => {
                let class = Symbol::with_encoding(mark, Encoding::Utf8);
                let mut fields = Vec::new();
                self.descend(2 * pairs(len))?;
                for _ in 0..pairs(len) {
                    let name = self.symbol()?.into_owned();
                    self.budget.take_memory(name.len() + NODE)?;
                    fields.push((name, self.value()?));
                }
                self.end()?;
                Ok(match ty {
                    ext::OBJECT => Object::new(class, fields).into(),
                    _ => Object::new_struct(class, fields).into(),
                })
            }
            ext::SET => {
                let members = self.items(len - 1)?;
                let hash = members.into_iter().map(|member| (member, Value::Bool(true)));
                let hash = MapBody {
                    entries: hash.collect(),
                    default: Some(Value::Bool(false)),
                    ..MapBody::default()
                };
                Ok(Object::new("Set", [("@hash", Value::Map(Map::of(hash)))]).into())
            }
            _ => {
                let entries = self.entries(pairs(len))?;
                Ok(Value::Map(Map::of(MapBody { entries, keywords: true, ..MapBody::default() })))
            }
        }
    }

    fn items(&mut self, len: usize) -> Result<Vec<Value>, LoadError> {
        self.descend(len)?;
        let mut items = Vec::with_capacity(len.min(self.budget.preallocation / NODE));
        for _ in 0..len {
            items.push(self.value()?);
        }
        self.end()?;
        Ok(items)
    }

    fn entries(&mut self, len: usize) -> Result<Vec<(Value, Value)>, LoadError> {
        self.descend(2 * len)?;
        let mut entries = Vec::with_capacity(len.min(self.budget.preallocation / NODE / 2));
        for _ in 0..len {
            entries.push((self.value()?, self.value()?));
        }
        self.end()?;
        Ok(entries)
    }

    fn owned(&mut self, len: usize) -> Result<Vec<u8>, LoadError> {
        let bytes = self.string(len)?;
        self.budget.take_memory(len)?;
        Ok(bytes.into_owned())
    }
}
