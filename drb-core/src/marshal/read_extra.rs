//! Reads what any value can have besides: a class, modules, instance variables, an encoding.

use super::{
    cursor::malformed,
    read_value::NODE,
    reader::Reader,
    symbols::{Coding, Span},
    walk::walk,
};
use crate::{
    LoadError, Value,
    value::{Encoding, Extra, Symbol},
};

/// What was said of a value before its type.
#[derive(Default)]
pub(super) struct Wraps {
    pub(super) ivars: bool,
    pub(super) classes: Vec<Symbol>,
    pub(super) extended: Vec<Symbol>,
}

impl Reader<'_> {
    /// The encoding, and what else was said of a value before its type and is said behind it.
    pub(super) fn wrapped(
        &mut self,
        wraps: Wraps,
        default: Encoding,
    ) -> Result<(Encoding, Option<Box<Extra>>), LoadError> {
        let mut encoding = default;
        let mut extra = Extra::default();
        if wraps.ivars {
            for _ in 0..self.stream.cursor.count(2)? {
                let (span, number) = self.numbered_symbol()?;
                let name = span.of(self.stream.cursor.bytes);
                let next = self.stream.cursor.peek();
                if name == b"E" && matches!(next, Some(b'T' | b'F')) {
                    self.begin()?;
                    self.stream.cursor.pos += 1;
                    encoding = if next == Some(b'T') { Encoding::Utf8 } else { Encoding::UsAscii };
                } else if name == b"encoding" {
                    encoding = self.encoding_value()?;
                } else {
                    let name = self.symbol_of(span, number)?;
                    self.budget.take_memory(2 * size_of::<Value>())?;
                    extra.ivars.push((name, self.value()?));
                }
            }
        }
        extra.class = wraps.classes.into_iter().next();
        extra.extended = wraps.extended;
        let any = extra.class.is_some() || !extra.extended.is_empty() || !extra.ivars.is_empty();
        Ok((encoding, any.then(|| Box::new(extra))))
    }

    /// The name of an encoding that is neither UTF-8 nor ASCII.
    fn encoding_value(&mut self) -> Result<Encoding, LoadError> {
        let Value::Str(name) = self.value()? else {
            return Err(malformed(self.stream.cursor.pos, "an encoding without a name"));
        };
        Ok(Encoding::Other(String::from_utf8_lossy(name.as_bytes()).into()))
    }

    /// Takes a symbol.
    pub(super) fn symbol_value(&mut self) -> Result<Symbol, LoadError> {
        let (span, number) = self.numbered_symbol()?;
        self.symbol_of(span, number)
    }

    /// Takes a symbol, and tells its number if that is known.
    fn numbered_symbol(&mut self) -> Result<(Span, Option<usize>), LoadError> {
        let number = match self.stream.cursor.peek() {
            Some(b';') => {
                let mut ahead = self.stream.cursor;
                ahead.pos += 1;
                Some(ahead.len()?)
            }
            _ if self.stream.replays == 0 => Some(self.stream.symbols.len()),
            _ => None,
        };
        Ok((self.symbol_span()?, number))
    }

    fn symbol_of(&mut self, span: Span, number: Option<usize>) -> Result<Symbol, LoadError> {
        let known = number.and_then(|number| self.stream.shared.symbols.get(number));
        if let Some(Some(symbol)) = known {
            return Ok(symbol.clone());
        }
        let name = span.of(self.stream.cursor.bytes);
        self.budget.take_memory(NODE + name.len())?;
        let encoding = match span.coding {
            Coding::Plain => Encoding::Binary,
            Coding::Utf8 => Encoding::Utf8,
            Coding::Named => self.symbol_encoding(span)?,
        };
        let symbol = Symbol::with_encoding(name, encoding);
        if let Some(number) = number {
            let symbols = &mut self.stream.shared.symbols;
            if symbols.len() <= number {
                symbols.resize(number + 1, None);
            }
            if let Some(slot) = symbols.get_mut(number) {
                *slot = Some(symbol.clone());
            }
        }
        Ok(symbol)
    }

    /// The encoding that follows a symbol's name: read once more, as it is rare.
    fn symbol_encoding(&mut self, span: Span) -> Result<Encoding, LoadError> {
        let mut encoding = Encoding::Binary;
        let cursor = self.stream.cursor;
        let objects = self.stream.objects;
        self.stream.replays += 1;
        self.stream.cursor.pos = (span.start + span.len) as usize;
        for _ in 0..self.stream.cursor.count(2)? {
            if self.name()? == b"encoding" {
                encoding = self.encoding_name_at(objects)?;
            } else {
                walk(self)?;
            }
        }
        self.stream.replays -= 1;
        self.stream.objects = objects;
        self.stream.cursor = cursor;
        Ok(encoding)
    }

    /// The name of an encoding, without numbering it again.
    fn encoding_name_at(&mut self, objects: usize) -> Result<Encoding, LoadError> {
        let name = self.bytes()?;
        self.stream.objects = objects;
        Ok(Encoding::Other(String::from_utf8_lossy(&name).into()))
    }
}

impl Wraps {
    pub(super) fn is_empty(&self) -> bool {
        !self.ivars && self.classes.is_empty() && self.extended.is_empty()
    }
}

/// Takes the flag of keywords from a map's instance variables.
pub(super) fn take_flag(extra: &mut Option<Box<Extra>>) -> bool {
    let Some(own) = extra else { return false };
    let before = own.ivars.len();
    own.ivars.retain(|(name, value)| name != "K" || value != &Value::Bool(true));
    let flagged = own.ivars.len() < before;
    if own.ivars.is_empty() && own.class.is_none() && own.extended.is_empty() {
        *extra = None;
    }
    flagged
}
