//! Writes Marshal 4.8.

use super::{write_floats::Floats, write_symbols::Symbols, write_value::Shared};
use crate::{DumpError, Form, Limit, Limits, Reference, Session, Shape};

/// Writes one stream to the end of a buffer.
pub(crate) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    start: usize,
    pub(super) symbols: Symbols,
    /// The number of the symbol that every text has behind it, once it is written.
    encoding: Option<usize>,
    /// The numbers of the symbols of the structs that have been written.
    shapes: Vec<Known>,
    /// What is usual of the one that came last: structs of one type tend to come together.
    last: Usual,
    /// How many objects have been written: the number of the next.
    pub(super) objects: usize,
    pub(super) floats: Floats,
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
    class: usize,
    /// `UNKNOWN` until a field is written for the first time.
    fields: Vec<usize>,
    usual: Usual,
}

const UNKNOWN: usize = usize::MAX;

/// What is written of a struct where it is short.
#[derive(Clone, Copy, Default)]
struct Usual {
    /// The address of the struct's shape.
    shape: usize,
    /// How such a struct begins.
    head: Option<[u8; 4]>,
    /// How the number of each field's symbol is written; 0 if it is unknown or longer.
    numbers: [u8; NAMED],
}

const NAMED: usize = 16;

/// The largest number that takes one byte.
pub(super) const SHORT: usize = 122;

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
            last: Usual::default(),
            objects: 0,
            floats: Floats::default(),
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

    pub(crate) fn nil(&mut self) {
        self.out.push(b'0');
    }

    #[inline]
    pub(crate) fn bool(&mut self, value: bool) {
        self.out.push(if value { b'T' } else { b'F' });
    }

    #[inline(never)]
    pub(crate) fn str(&mut self, value: &str) {
        self.objects += 1;
        // As most are: the length and the number of the encoding's symbol have one byte each.
        if let (len @ 1..=SHORT, Some(encoding @ 1..=SHORT)) = (value.len(), self.encoding)
            && self.has_room(SHORT + 7)
        {
            self.out.extend_from_slice(&[b'I', b'"', len as u8 + 5]);
            self.out.extend_from_slice(value.as_bytes());
            self.out.extend_from_slice(&[6, b';', encoding as u8 + 5, b'T']);
            return;
        }
        self.any_str(value);
    }

    #[inline(never)]
    fn any_str(&mut self, value: &str) {
        self.out.extend_from_slice(b"I\"");
        self.sized(value.as_bytes());
        self.out.push(6);
        self.encoding_flag(true);
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

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.objects += 1;
        self.out.push(b'"');
        self.sized(value);
    }

    #[inline(never)]
    pub(crate) fn array(&mut self, len: usize) -> Result<(), DumpError> {
        // As most are: the length has one byte.
        if let 1..=SHORT = len
            && self.has_room(2)
        {
            self.objects += 1;
            self.out.extend_from_slice(&[b'[', len as u8 + 5]);
            return self.descend();
        }
        self.any_array(len)
    }

    #[inline(never)]
    fn any_array(&mut self, len: usize) -> Result<(), DumpError> {
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

    /// Says that what came last is a member of a set: it is a key of Ruby's.
    pub(crate) fn set_member(&mut self) -> Result<(), DumpError> {
        self.bool(true);
        Ok(())
    }

    /// Ends a `Set`: what is not a member of it is `false`.
    pub(crate) fn set_end(&mut self) {
        self.end();
        self.out.push(b'F');
    }

    #[inline(never)]
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        match self.last.head {
            Some([a, b, c, d]) if self.last.shape == address(shape) && self.has_room(4) => {
                self.objects += 1;
                self.out.extend_from_slice(&[a, b, c, d]);
                self.descend()
            }
            _ => self.other_object(shape),
        }
    }

    #[inline(never)]
    fn other_object(&mut self, shape: &'static Shape) -> Result<(), DumpError> {
        if shape.form == Form::Hash {
            return self.map(shape.fields.len());
        }
        self.objects += 1;
        let start = self.out.len();
        self.out.push(if shape.form == Form::Object { b'o' } else { b'S' });
        match self.known(shape).map(|known| known.class) {
            Some(class) => self.symbol_link(class),
            None => {
                let class = self.symbol_bytes(shape.class.as_bytes());
                let fields = vec![UNKNOWN; shape.fields.len()];
                let usual = Usual { shape: address(shape), ..Usual::default() };
                self.shapes.push(Known { class, fields, usual });
            }
        }
        self.long(shape.fields.len() as i64);
        let head = self.out.get(start..).and_then(|head| <[u8; 4]>::try_from(head).ok());
        if let Some(known) = self.known(shape) {
            known.usual.head = head.filter(|head| matches!(head, [_, b';', ..]));
            self.last = known.usual;
        }
        self.descend()
    }

    /// Whether so many bytes can be written without asking for memory. What is written then needs no more than
    /// a few registers.
    #[inline]
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.out.capacity() - self.out.len() >= bytes
    }

    /// Writes a field's name as it is mostly written: as the number of a symbol of one byte, of a struct of the
    /// type that came last. Says whether it could be.
    #[inline(never)]
    pub(crate) fn usual_field(&mut self, shape: &'static Shape, index: usize) -> bool {
        match self.last.numbers.get(index) {
            Some(number @ 1..) if self.last.shape == address(shape) && self.has_room(2) => {
                self.out.extend_from_slice(&[b';', *number]);
                true
            }
            _ => false,
        }
    }

    #[inline(never)]
    pub(crate) fn field(&mut self, shape: &'static Shape, index: usize) -> Result<(), DumpError> {
        if let Some(known) = self.known(shape)
            && let Some(number) = known.fields.get(index).filter(|number| **number != UNKNOWN)
        {
            let number = *number;
            self.last = known.usual;
            self.symbol_link(number);
            return Ok(());
        }
        // Its name is written for the first time in a struct of this shape.
        let Some(field) = shape.fields.get(index) else {
            return Err(DumpError::custom("a field that the shape doesn't have"));
        };
        let name = if shape.form == Form::Object { field.ivar } else { field.name };
        let number = if name.is_ascii() {
            self.symbol_bytes(name.as_bytes())
        } else {
            self.encoded_symbol(name.as_bytes(), &crate::value::Encoding::Utf8)
        };
        if let Some(known) = self.known(shape) {
            if let Some(slot) = known.fields.get_mut(index) {
                *slot = number;
            }
            if let Some(slot) = known.usual.numbers.get_mut(index) {
                *slot = one_byte(number);
            }
            self.last = known.usual;
        }
        Ok(())
    }

    fn known(&mut self, shape: &'static Shape) -> Option<&mut Known> {
        self.shapes.iter_mut().find(|known| known.usual.shape == address(shape))
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
    #[inline]
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

fn address(shape: &'static Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}

/// How a number is written in one byte; 0 if it isn't, or if it is 0.
fn one_byte(number: usize) -> u8 {
    match number {
        1..=SHORT => number as u8 + 5,
        _ => 0,
    }
}
