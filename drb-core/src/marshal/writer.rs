//! Writes Marshal 4.8.

use super::{write_symbols::Symbols, write_value::Shared};
use crate::{DumpError, Form, Limit, Limits, Reference, Session, Shape};
use std::collections::HashMap;

/// Writes one stream to the end of a buffer.
pub(crate) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    start: usize,
    pub(super) symbols: Symbols,
    /// The number of the symbol that every text has behind it, once it is written.
    encoding: Option<usize>,
    /// The numbers of the symbols of the structs that have been written.
    shapes: Vec<Known>,
    /// How many objects have been written: the number of the next.
    pub(super) objects: usize,
    /// The numbers of the floats that Ruby keeps without an object: they are linked by value.
    pub(super) floats: HashMap<u64, usize, foldhash::fast::RandomState>,
    pub(super) shared: Shared,
    depth: usize,
    /// The depth within the keywords that are being written; else 0.
    flagged: usize,
    max_depth: usize,
    max_len: usize,
    pub(super) references: usize,
    pub(super) max_references: usize,
    /// What references are handed on through.
    pub(super) session: Option<&'a dyn Session>,
}

/// A struct's symbols.
struct Known {
    shape: *const Shape,
    class: usize,
    /// `UNKNOWN` until a field is written for the first time.
    fields: Vec<usize>,
}

const UNKNOWN: usize = usize::MAX;

/// The largest number that takes one byte.
const SHORT: usize = 122;

impl<'a> Writer<'a> {
    pub(crate) fn new(
        out: &'a mut Vec<u8>,
        limits: &Limits,
        session: Option<&'a dyn Session>,
    ) -> Self {
        let start = out.len();
        out.extend_from_slice(&[4, 8]);
        Self {
            out,
            start,
            symbols: Symbols::default(),
            encoding: None,
            shapes: Vec::new(),
            objects: 0,
            floats: HashMap::default(),
            shared: Shared::default(),
            depth: 0,
            flagged: 0,
            max_depth: limits.depth,
            max_len: limits.message,
            references: 0,
            max_references: limits.references,
            session,
        }
    }

    pub(crate) fn nil(&mut self) -> Result<(), DumpError> {
        self.out.push(b'0');
        Ok(())
    }

    pub(crate) fn bool(&mut self, value: bool) -> Result<(), DumpError> {
        self.out.push(if value { b'T' } else { b'F' });
        Ok(())
    }

    #[inline(never)]
    pub(crate) fn str(&mut self, value: &str) -> Result<(), DumpError> {
        self.objects += 1;
        // As most are: the length and the number of the encoding's symbol have one byte each.
        if let (len @ 1..=SHORT, Some(encoding @ 1..=SHORT)) = (value.len(), self.encoding) {
            self.out.reserve(len + 7);
            self.out.extend_from_slice(&[b'I', b'"', len as u8 + 5]);
            self.out.extend_from_slice(value.as_bytes());
            self.out.extend_from_slice(&[6, b';', encoding as u8 + 5, b'T']);
            return Ok(());
        }
        self.out.extend_from_slice(b"I\"");
        self.sized(value.as_bytes());
        self.out.push(6);
        self.encoding_flag(true);
        Ok(())
    }

    /// Whether a string is in UTF-8 or in ASCII.
    #[inline]
    pub(super) fn encoding_flag(&mut self, utf8: bool) {
        match self.encoding {
            Some(number) => self.symbol_link(number),
            None => self.encoding = Some(self.symbol_bytes(b"E")),
        }
        self.out.push(if utf8 { b'T' } else { b'F' });
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> Result<(), DumpError> {
        self.objects += 1;
        self.out.push(b'"');
        self.sized(value);
        Ok(())
    }

    pub(crate) fn array(&mut self, len: usize) -> Result<(), DumpError> {
        self.objects += 1;
        self.out.push(b'[');
        self.long(len as i64);
        self.descend()
    }

    pub(crate) fn map(&mut self, len: usize) -> Result<(), DumpError> {
        self.objects += 1;
        self.out.push(b'{');
        self.long(len as i64);
        self.descend()
    }

    pub(crate) fn keywords(&mut self, len: usize) -> Result<(), DumpError> {
        self.out.push(b'I');
        self.map(len)?;
        self.flagged = self.depth;
        Ok(())
    }

    /// Writes the flag of keywords behind them.
    #[cold]
    fn flag(&mut self) {
        self.flagged = 0;
        self.out.push(6);
        self.symbol_bytes(b"K");
        self.out.push(b'T');
    }

    /// Begins a `Set`; each member is followed by `true`.
    pub(crate) fn set(&mut self, len: usize) -> Result<(), DumpError> {
        self.objects += 2;
        self.out.push(b'o');
        self.symbol_bytes(b"Set");
        self.out.push(6);
        self.symbol_bytes(b"@hash");
        self.out.push(b'}');
        self.long(len as i64);
        self.descend()
    }

    /// Ends a `Set`: what is not a member of it is `false`.
    /// Says that what came last is a member of a set: it is a key of Ruby's.
    pub(crate) fn set_member(&mut self) -> Result<(), DumpError> {
        self.bool(true)
    }

    pub(crate) fn set_end(&mut self) {
        self.end();
        self.out.push(b'F');
    }

    #[inline(never)]
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        if shape.form == Form::Hash {
            return self.map(shape.fields.len());
        }
        self.objects += 1;
        self.out.push(if shape.form == Form::Object { b'o' } else { b'S' });
        match self.known(shape).map(|known| known.class) {
            Some(class) => self.symbol_link(class),
            None => {
                let class = self.symbol_bytes(shape.class.as_bytes());
                let fields = vec![UNKNOWN; shape.fields.len()];
                self.shapes.push(Known { shape, class, fields });
            }
        }
        self.long(shape.fields.len() as i64);
        self.descend()
    }

    #[inline(never)]
    pub(crate) fn field(&mut self, shape: &'static Shape, index: usize) -> Result<(), DumpError> {
        match self.known(shape).and_then(|known| known.fields.get(index).copied()) {
            Some(number @ 1..=SHORT) => self.out.extend_from_slice(&[b';', number as u8 + 5]),
            None | Some(UNKNOWN) => return self.new_field(shape, index),
            Some(number) => self.symbol_link(number),
        }
        Ok(())
    }

    /// A field whose name is written for the first time in a struct of this shape.
    #[inline(never)]
    fn new_field(&mut self, shape: &'static Shape, index: usize) -> Result<(), DumpError> {
        let Some(field) = shape.fields.get(index) else {
            return Err(DumpError::custom("a field that the shape doesn't have"));
        };
        let name = if shape.form == Form::Object { field.ivar } else { field.name };
        let number = if name.is_ascii() {
            self.symbol_bytes(name.as_bytes())
        } else {
            self.encoded_symbol(name.as_bytes(), &crate::value::Encoding::Utf8)
        };
        if let Some(known) = self.known(shape)
            && let Some(slot) = known.fields.get_mut(index)
        {
            *slot = number;
        }
        Ok(())
    }

    #[inline]
    fn known(&mut self, shape: &'static Shape) -> Option<&mut Known> {
        self.shapes.iter_mut().find(|known| std::ptr::eq(known.shape, shape))
    }

    /// A reference to an object that may be anywhere.
    pub(crate) fn hand_on(&mut self, reference: &Reference) -> Result<(), DumpError> {
        match self.in_place_of(reference)? {
            Some(other) => self.reference(&other),
            None => self.reference(reference),
        }
    }

    /// What the peer is given in place of a reference.
    pub(super) fn in_place_of(
        &self,
        reference: &Reference,
    ) -> Result<Option<Reference>, DumpError> {
        self.session.map_or(Ok(None), |session| session.hand_on(reference))
    }

    /// A container begins.
    pub(super) fn descend(&mut self) -> Result<(), DumpError> {
        if self.depth >= self.max_depth {
            return Err(DumpError::limit(Limit::Depth, self.max_depth));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(crate) fn end(&mut self) {
        if self.flagged == self.depth && self.flagged > 0 {
            self.flag();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    pub(crate) fn finish(&self) -> Result<(), DumpError> {
        if self.out.len() - self.start > self.max_len {
            return Err(DumpError::limit(Limit::Message, self.max_len));
        }
        Ok(())
    }

    pub(super) fn link(&mut self, number: usize) {
        self.out.push(b'@');
        self.long(number as i64);
    }

    /// Bytes with their length before them.
    #[inline]
    pub(super) fn sized(&mut self, bytes: &[u8]) {
        self.long(bytes.len() as i64);
        self.out.extend_from_slice(bytes);
    }
}
