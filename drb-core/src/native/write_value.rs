//! Writes values whose type is not known.

use super::{ext, writer::Writer};
use crate::{
    DumpError, Value,
    marshal::Moment,
    value::{Dumped, Encoding, Map, Object, Str, Symbol},
};

impl Writer<'_> {
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), DumpError> {
        self.fetch();
        let (start, levels, exported) = (self.out.len(), self.levels, self.exported());
        let written = self.part(value);
        if !std::mem::take(&mut self.cyclic) {
            return written;
        }
        // Only Ruby's form has a way to say that a value contains itself.
        self.cut(start);
        self.take_back(exported);
        self.levels = levels;
        self.marshal(value)
    }

    /// A value, or part of one.
    fn part(&mut self, value: &Value) -> Result<(), DumpError> {
        match value {
            Value::Dumped(dumped) if let Some(moment) = as_moment(dumped) => self.time(&moment),
            value if value.extra().is_some() => self.marshal(value),
            Value::Nil => self.nil(),
            Value::Bool(value) => self.bool(*value),
            Value::Int(value) => self.int(*value),
            Value::BigInt(value) => self.big_int(value.is_negative(), value.magnitude()),
            Value::Float(value) => self.float(value.get()),
            Value::Symbol(name) => self.symbol_value(name),
            Value::Str(text) => self.str_value(text),
            Value::Array(items) => {
                self.array(items.len())?;
                for item in items.items() {
                    self.part(item)?;
                }
                self.end();
                Ok(())
            }
            Value::Map(map) => self.map_value(map),
            Value::Object(object) => self.object_value(object),
            Value::Reference(reference) => self.hand_on(reference.reference()),
            Value::Dumped(_) | Value::Marshaled(_) | Value::Regexp(_) | Value::Module(_) => {
                self.marshal(value)
            }
            Value::Cycle(_) => {
                self.cyclic = true;
                Err(DumpError::Dangling)
            }
        }
    }

    fn symbol_value(&mut self, name: &Symbol) -> Result<(), DumpError> {
        match is_plain(name) {
            true => self.symbol(name.as_str()),
            false => self.marshal(&Value::Symbol(name.clone())),
        }
    }

    fn str_value(&mut self, text: &Str) -> Result<(), DumpError> {
        let bytes = text.as_bytes();
        match (text.encoding(), std::str::from_utf8(bytes)) {
            (Encoding::Utf8, Ok(text)) => self.str(text),
            (Encoding::Binary, _) => self.bytes(bytes),
            (encoding, _) => {
                let name = encoding.name();
                match u8::try_from(name.len()) {
                    Ok(len) => {
                        self.ext(ext::TEXT, &[&[len], name.as_bytes(), bytes]);
                        Ok(())
                    }
                    // No encoding has such a name, but a peer can say that one has.
                    Err(_) => self.marshal(&Value::Str(text.clone())),
                }
            }
        }
    }

    fn map_value(&mut self, map: &Map) -> Result<(), DumpError> {
        if map.default_value().is_some() || map.compares_by_identity() {
            return self.marshal(&Value::Map(map.clone()));
        }
        match map.are_keywords() {
            true => self.keywords(map.entries().len())?,
            false => self.map(map.entries().len())?,
        }
        for (key, value) in map.entries() {
            self.part(key)?;
            self.part(value)?;
        }
        self.end();
        Ok(())
    }

    fn object_value(&mut self, object: &Object) -> Result<(), DumpError> {
        if let Some(members) = members(object) {
            self.set(members.len())?;
            for (member, _) in members {
                self.part(member)?;
            }
            self.end();
            return Ok(());
        }
        let mut names = object.fields().iter().map(|(name, _)| name);
        if !is_plain(object.class()) || !names.all(is_plain) {
            return self.marshal(&Value::Object(object.clone()));
        }
        let kind = if object.is_struct() { ext::STRUCT } else { ext::OBJECT };
        self.marked(kind, object.class().as_bytes(), object.fields().len().saturating_mul(2))?;
        for (name, value) in object.fields() {
            self.str(name.as_str())?;
            self.part(value)?;
        }
        self.end();
        Ok(())
    }

    /// What only Ruby has: as the stream that Ruby itself would make of it.
    fn marshal(&mut self, value: &Value) -> Result<(), DumpError> {
        let stream = value.to_marshal()?;
        self.ext(ext::MARSHAL, &[&stream]);
        Ok(())
    }
}

/// Whether a symbol is one that text stands for.
fn is_plain(name: &Symbol) -> bool {
    matches!(name.encoding(), Encoding::Utf8 | Encoding::UsAscii)
        && std::str::from_utf8(name.as_bytes()).is_ok()
}

/// The members, if the object is a Ruby `Set` as Ruby makes it.
fn members(object: &Object) -> Option<&[(Value, Value)]> {
    let [(name, Value::Map(map))] = object.fields() else { return None };
    let plain = *object.class() == "Set"
        && *name == "@hash"
        && !object.is_struct()
        && map.default_value() == Some(&Value::Bool(false))
        && !map.compares_by_identity()
        && Value::Map(map.clone()).extra().is_none();
    let all = |(_, value): &(Value, Value)| *value == Value::Bool(true);
    (plain && map.entries().iter().all(all)).then(|| map.entries())
}

/// The moment, if the value is a Ruby `Time` that says nothing else.
fn as_moment(dumped: &Dumped) -> Option<Moment> {
    if dumped.class() != "Time" {
        return None;
    }
    let moment = dumped.as_time()?;
    let plain = Value::from_dump_with(None, |dumper| dumper.time(&moment)).ok()?;
    (plain.to_marshal() == Value::Dumped(dumped.clone()).to_marshal()).then_some(moment)
}
