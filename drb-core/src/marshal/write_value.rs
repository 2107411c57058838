//! Writes dynamic values as they came: what is shared once, and with links to it.

use super::writer::Writer;
use crate::{
    DumpError, Value,
    value::{Cycle, Dumped, Encoding, Extra, Map, ModuleKind, ReferenceValue, Str, Symbol},
};
use std::collections::BTreeMap;

/// What has been written of what can be met again.
#[derive(Default)]
pub(crate) struct Shared {
    /// Nodes by where they are. The value is kept, as its place must not be taken by another one
    /// as long as the dump lasts.
    nodes: BTreeMap<usize, (usize, Value)>,
    /// Classes and modules, which are the same wherever they are met.
    modules: BTreeMap<(ModuleKind, Vec<u8>), usize>,
    /// The names of encodings, each of which is an object once it has been written.
    encodings: Vec<(Encoding, Option<usize>)>,
}

impl Shared {
    /// A number for an encoding; 0 is none.
    pub(super) fn coding(&mut self, encoding: &Encoding) -> usize {
        if *encoding == Encoding::Binary {
            return 0;
        }
        if let Some(at) = self.encodings.iter().position(|(own, _)| own == encoding) {
            return at + 1;
        }
        self.encodings.push((encoding.clone(), None));
        self.encodings.len()
    }
}

impl Writer<'_> {
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), DumpError> {
        match value {
            Value::Nil => self.nil(),
            Value::Bool(value) => self.bool(*value),
            Value::Int(value) => self.int(*value),
            Value::Symbol(value) => self.symbol_value(value),
            Value::Float(float) if float.identity().is_none() => self.float(float.get()),
            Value::Cycle(cycle) => self.cycle(cycle)?,
            value => self.identified(value)?,
        }
        Ok(())
    }

    /// What may have an identity.
    fn identified(&mut self, value: &Value) -> Result<(), DumpError> {
        if let Some(place) = value.identity() {
            if let Some((number, _)) = self.shared.nodes.get(&place) {
                let number = *number;
                self.link(number);
                return Ok(());
            }
            // What has a string of its own is numbered behind its instance variables.
            if !matches!(value, Value::Dumped(_) | Value::Reference(_)) {
                self.shared.nodes.insert(place, (self.objects, value.clone()));
            } else {
                self.node(value)?;
                self.shared.nodes.insert(place, (self.objects - 1, value.clone()));
                return Ok(());
            }
        }
        self.node(value)
    }

    /// What has an identity and is met for the first time.
    fn node(&mut self, value: &Value) -> Result<(), DumpError> {
        match value {
            Value::Str(value) => self.string(value),
            Value::Array(value) => {
                let extra = value.0.extra.as_deref();
                self.open(extra, None, extra.map_or(0, |extra| extra.ivars.len()))?;
                self.array(value.len())?;
                value.iter().try_for_each(|item| self.value(item))?;
                self.end();
                self.ivars(extra, None, false)
            }
            Value::Map(value) => self.map_value(value),
            Value::Object(value) => {
                let body = &value.0.body;
                let extra = value.0.extra.as_deref();
                self.open(extra, None, extra.map_or(0, |extra| extra.ivars.len()))?;
                self.objects += 1;
                self.out.push(if body.is_struct { b'S' } else { b'o' });
                self.symbol_value(&body.class);
                self.pairs(&body.fields)?;
                self.ivars(extra, None, false)
            }
            Value::Marshaled(value) => {
                let body = &value.0.body;
                let extra = value.0.extra.as_deref();
                self.open(extra, None, extra.map_or(0, |extra| extra.ivars.len()))?;
                self.objects += 1;
                self.out.push(if body.is_data { b'd' } else { b'U' });
                self.symbol_value(&body.class);
                self.descend()?;
                self.value(&body.data)?;
                self.end();
                self.ivars(extra, None, false)
            }
            Value::Regexp(value) => {
                let body = &value.0.body;
                let extra = value.0.extra.as_deref();
                self.open(extra, Some(&body.encoding), extra.map_or(0, |e| e.ivars.len()))?;
                self.objects += 1;
                self.out.push(b'/');
                self.sized(&body.source);
                self.out.push(body.options);
                self.ivars(extra, Some(&body.encoding), false)
            }
            Value::Dumped(value) => self.dumped(value),
            Value::Reference(value) => self.reference_value(value),
            Value::BigInt(value) => {
                self.big_int(value.is_negative(), value.magnitude());
                Ok(())
            }
            Value::Float(value) => {
                self.heap_float(value.get());
                Ok(())
            }
            Value::Module(value) => {
                let key = (value.kind(), value.0.body.name.clone());
                if let Some(number) = self.shared.modules.get(&key) {
                    let number = *number;
                    self.link(number);
                    return Ok(());
                }
                self.shared.modules.insert(key, self.objects);
                self.objects += 1;
                self.out.push(match value.kind() {
                    ModuleKind::Class => b'c',
                    ModuleKind::Module => b'm',
                    ModuleKind::Old => b'M',
                });
                self.sized(&value.0.body.name);
                Ok(())
            }
            // Written by `value`.
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Symbol(_) | Value::Cycle(_) => {
                self.value(value)
            }
        }
    }

    fn cycle(&mut self, cycle: &Cycle) -> Result<(), DumpError> {
        let target = cycle.upgrade().ok_or(DumpError::Dangling)?;
        self.value(&target)
    }

    fn string(&mut self, value: &Str) -> Result<(), DumpError> {
        let extra = value.0.extra.as_deref();
        let encoding = Some(value.encoding());
        self.open(extra, encoding, extra.map_or(0, |extra| extra.ivars.len()))?;
        self.objects += 1;
        self.out.push(b'"');
        self.sized(value.as_bytes());
        self.ivars(extra, encoding, false)
    }

    fn map_value(&mut self, value: &Map) -> Result<(), DumpError> {
        let body = &value.0.body;
        let extra = value.0.extra.as_deref();
        let ivars = extra.map_or(0, |extra| extra.ivars.len()) + usize::from(body.keywords);
        self.open(extra, None, ivars)?;
        if body.by_identity {
            self.out.push(b'C');
            self.symbol_bytes(b"Hash");
        }
        self.objects += 1;
        self.out.push(if body.default.is_some() { b'}' } else { b'{' });
        self.long(body.entries.len() as i64);
        self.descend()?;
        for (key, value) in &body.entries {
            self.value(key)?;
            self.value(value)?;
        }
        if let Some(default) = &body.default {
            self.value(default)?;
        }
        self.end();
        self.ivars(extra, None, body.keywords)
    }

    fn dumped(&mut self, value: &Dumped) -> Result<(), DumpError> {
        let body = &value.0.body;
        let extra = value.0.extra.as_deref();
        let encoding = Some(&body.encoding);
        self.open(extra, encoding, extra.map_or(0, |extra| extra.ivars.len()))?;
        self.out.push(b'u');
        self.symbol_value(&body.class);
        self.sized(&body.payload);
        self.ivars(extra, encoding, false)?;
        self.objects += 1;
        Ok(())
    }

    fn reference_value(&mut self, value: &ReferenceValue) -> Result<(), DumpError> {
        if let Some(other) = self.in_place_of(value.reference())? {
            return self.reference(&other);
        }
        match &value.0.body.came_as {
            None => self.reference(value.reference()),
            Some((class, payload)) => {
                self.count_reference()?;
                self.out.push(b'u');
                self.symbol_value(class);
                self.sized(payload);
                self.objects += 1;
                Ok(())
            }
        }
    }

    /// What stands before the type of a value.
    fn open(
        &mut self,
        extra: Option<&Extra>,
        encoding: Option<&Encoding>,
        ivars: usize,
    ) -> Result<(), DumpError> {
        if ivars > 0 || encoding.is_some_and(|encoding| *encoding != Encoding::Binary) {
            self.out.push(b'I');
        }
        if let Some(extra) = extra {
            for module in &extra.extended {
                self.out.push(b'e');
                self.symbol_value(module);
            }
            if let Some(class) = &extra.class {
                self.out.push(b'C');
                self.symbol_value(class);
            }
        }
        Ok(())
    }

    /// The instance variables: what stands behind a value.
    fn ivars(
        &mut self,
        extra: Option<&Extra>,
        encoding: Option<&Encoding>,
        keywords: bool,
    ) -> Result<(), DumpError> {
        let encoding = encoding.filter(|encoding| **encoding != Encoding::Binary);
        let own = extra.map_or(&[][..], |extra| &extra.ivars);
        let count = own.len() + usize::from(encoding.is_some()) + usize::from(keywords);
        if count == 0 {
            return Ok(());
        }
        self.long(count as i64);
        if let Some(encoding) = encoding {
            self.encoding(encoding);
        }
        if keywords {
            self.symbol_bytes(b"K");
            self.out.push(b'T');
        }
        self.descend()?;
        for (name, value) in own {
            self.symbol_value(name);
            self.value(value)?;
        }
        self.end();
        Ok(())
    }

    fn pairs(&mut self, pairs: &[(Symbol, Value)]) -> Result<(), DumpError> {
        self.long(pairs.len() as i64);
        self.descend()?;
        for (name, value) in pairs {
            self.symbol_value(name);
            self.value(value)?;
        }
        self.end();
        Ok(())
    }

    fn symbol_value(&mut self, symbol: &Symbol) {
        match symbol.encoding() {
            Encoding::UsAscii | Encoding::Binary => self.symbol_bytes(symbol.as_bytes()),
            encoding => self.encoded_symbol(symbol.as_bytes(), encoding),
        };
    }

    /// The instance variable that says the encoding.
    pub(super) fn encoding(&mut self, encoding: &Encoding) {
        let name = match encoding {
            Encoding::Utf8 => return self.encoding_flag(true),
            Encoding::UsAscii => return self.encoding_flag(false),
            other => other.name(),
        };
        self.symbol_bytes(b"encoding");
        let coding = self.shared.coding(encoding);
        let objects = self.objects;
        let slot = coding.checked_sub(1).and_then(|at| self.shared.encodings.get_mut(at));
        match slot.map(|(_, number)| (*number, number)) {
            Some((Some(number), _)) => return self.link(number),
            Some((None, slot)) => *slot = Some(objects),
            None => {}
        }
        self.objects += 1;
        self.out.push(b'"');
        self.sized(name.as_bytes());
    }
}
