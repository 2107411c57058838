//! Writes Marshal 4.8.

use super::{REFERENCE, URI_OPTION, float, write_value::Shared};
use crate::{
    DumpError, Form, Limit, Limits, ObjectId, Reference, Session, Shape, value::is_flonum,
};
use std::collections::{BTreeMap, HashMap};

/// Writes one stream to the end of a buffer.
pub(crate) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    start: usize,
    symbols: Symbols,
    /// The numbers of the symbols of the structs that have been written.
    shapes: Vec<Known>,
    /// How many objects have been written: the number of the next.
    pub(super) objects: usize,
    /// The numbers of the floats that Ruby keeps without an object: they are linked by value.
    floats: HashMap<u64, usize, foldhash::fast::RandomState>,
    pub(super) shared: Shared,
    depth: usize,
    /// The depth within the keywords that are being written; else 0.
    flagged: usize,
    max_depth: usize,
    max_len: usize,
    references: usize,
    max_references: usize,
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

    #[inline]
    pub(crate) fn int(&mut self, value: i64) -> Result<(), DumpError> {
        // What Ruby writes so has 31 bits, whatever the machine.
        if (-(1 << 30)..1 << 30).contains(&value) {
            self.out.push(b'i');
            self.long(value);
            return Ok(());
        }
        self.big_int(value < 0, &value.unsigned_abs().to_le_bytes())
    }

    pub(crate) fn int128(&mut self, value: i128) -> Result<(), DumpError> {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.big_int(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    pub(crate) fn uint128(&mut self, value: u128) -> Result<(), DumpError> {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.big_int(false, &value.to_le_bytes()),
        }
    }

    pub(crate) fn big_int(&mut self, negative: bool, magnitude: &[u8]) -> Result<(), DumpError> {
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let magnitude = magnitude.get(..len).unwrap_or_default();
        if let Some(value) = small(negative, magnitude) {
            return self.int(value);
        }
        self.objects += 1;
        self.out.extend_from_slice(if negative { b"l-" } else { b"l+" });
        self.long(len.div_ceil(2) as i64);
        self.out.extend_from_slice(magnitude);
        if len % 2 == 1 {
            self.out.push(0);
        }
        Ok(())
    }

    pub(crate) fn float(&mut self, value: f64) -> Result<(), DumpError> {
        if is_flonum(value) {
            let number = *self.floats.entry(value.to_bits()).or_insert(self.objects);
            if number != self.objects {
                self.link(number);
                return Ok(());
            }
        }
        self.heap_float(value);
        Ok(())
    }

    /// A float that is not linked.
    pub(super) fn heap_float(&mut self, value: f64) {
        self.objects += 1;
        // The length takes one byte: the longest text has 24.
        self.out.extend_from_slice(b"f\0");
        let start = self.out.len();
        float::write(self.out, value);
        let len = self.out.len() - start;
        if let Some(slot) = self.out.get_mut(start - 1) {
            *slot = len as u8 + 5;
        }
    }

    #[inline]
    pub(crate) fn str(&mut self, value: &str) -> Result<(), DumpError> {
        self.objects += 1;
        self.out.extend_from_slice(b"I\"");
        self.sized(value.as_bytes());
        self.out.push(6);
        self.encoding_flag(true);
        Ok(())
    }

    /// Whether a string is in UTF-8 or in ASCII.
    #[inline]
    pub(super) fn encoding_flag(&mut self, utf8: bool) {
        self.symbol_bytes(b"E");
        self.out.push(if utf8 { b'T' } else { b'F' });
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> Result<(), DumpError> {
        self.objects += 1;
        self.out.push(b'"');
        self.sized(value);
        Ok(())
    }

    pub(crate) fn symbol(&mut self, name: &str) -> Result<(), DumpError> {
        if name.is_ascii() {
            self.symbol_bytes(name.as_bytes());
        } else {
            self.encoded_symbol(name.as_bytes(), &crate::value::Encoding::Utf8);
        }
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
    pub(crate) fn set_end(&mut self) {
        self.end();
        self.out.push(b'F');
    }

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

    pub(crate) fn field(&mut self, shape: &'static Shape, index: usize) -> Result<(), DumpError> {
        let known = self.known(shape).and_then(|known| known.fields.get(index).copied());
        if let Some(number) = known.filter(|number| *number != UNKNOWN) {
            self.symbol_link(number);
            return Ok(());
        }
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

    /// A reference as it is.
    pub(crate) fn reference(&mut self, reference: &Reference) -> Result<(), DumpError> {
        self.count_reference()?;
        let mut payload = Vec::with_capacity(64);
        let mut writer = Writer::new(&mut payload, &Limits::default(), None);
        writer.array(2)?;
        match reference.uri() {
            Some(uri) => writer.str(uri)?,
            None => writer.nil()?,
        }
        writer.id(reference.id())?;
        writer.end();
        writer.finish()?;
        self.out.push(b'u');
        self.symbol_bytes(REFERENCE);
        self.sized(&payload);
        self.objects += 1;
        Ok(())
    }

    /// What names an object within its process.
    pub(crate) fn id(&mut self, id: &ObjectId) -> Result<(), DumpError> {
        match id {
            ObjectId::Front => self.nil(),
            ObjectId::Number(number) => self.int(*number),
            ObjectId::Name(name) => self.uri_option(name),
            ObjectId::Opaque(stream) => self.opaque(stream),
        }
    }

    fn uri_option(&mut self, name: &str) -> Result<(), DumpError> {
        self.objects += 1;
        self.out.push(b'o');
        self.symbol_bytes(URI_OPTION);
        self.out.push(6);
        self.symbol_bytes(b"@option");
        self.str(name)
    }

    /// A value that is a stream already.
    fn opaque(&mut self, stream: &[u8]) -> Result<(), DumpError> {
        let value = crate::Value::from_marshal(stream)
            .map_err(|error| DumpError::custom(format!("a reference's id: {error}")))?;
        self.value(&value)
    }

    pub(super) fn count_reference(&mut self) -> Result<(), DumpError> {
        self.references += 1;
        if self.references > self.max_references {
            return Err(DumpError::limit(Limit::References, self.max_references));
        }
        Ok(())
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

    pub(crate) fn finish(self) -> Result<(), DumpError> {
        if self.out.len() - self.start > self.max_len {
            return Err(DumpError::limit(Limit::Message, self.max_len));
        }
        Ok(())
    }

    pub(super) fn link(&mut self, number: usize) {
        self.out.push(b'@');
        self.long(number as i64);
    }

    /// A symbol of ASCII (or of bytes without an encoding); gives its number.
    #[inline]
    pub(super) fn symbol_bytes(&mut self, name: &[u8]) -> usize {
        match self.symbols.find_or_add(name, 0) {
            Ok(number) => {
                self.symbol_link(number);
                number
            }
            Err(number) => {
                self.out.push(b':');
                self.sized(name);
                number
            }
        }
    }

    /// A symbol with an encoding, which is not of ASCII only; gives its number.
    pub(super) fn encoded_symbol(
        &mut self,
        name: &[u8],
        encoding: &crate::value::Encoding,
    ) -> usize {
        let coding = self.shared.coding(encoding);
        match self.symbols.find_or_add(name, coding) {
            Ok(number) => {
                self.symbol_link(number);
                number
            }
            Err(number) => {
                self.out.extend_from_slice(b"I:");
                self.sized(name);
                self.out.push(6);
                self.encoding(encoding);
                number
            }
        }
    }

    #[inline]
    fn symbol_link(&mut self, number: usize) {
        self.out.push(b';');
        self.long(number as i64);
    }

    /// Bytes with their length before them.
    #[inline]
    pub(super) fn sized(&mut self, bytes: &[u8]) {
        self.long(bytes.len() as i64);
        self.out.extend_from_slice(bytes);
    }

    /// An integer of Marshal's own format. It has four bytes at most.
    #[inline]
    pub(super) fn long(&mut self, value: i64) {
        match value {
            0 => self.out.push(0),
            1..=122 => self.out.push((value + 5) as u8),
            -123..=-1 => self.out.push((value - 5) as u8),
            _ => self.wide_long(value),
        }
    }

    fn wide_long(&mut self, value: i64) {
        let bytes = value.to_le_bytes();
        let rest = if value < 0 { -1 } else { 0 };
        // As many bytes as it takes until only copies of the sign are left.
        let count = (1..=4).find(|count| value >> (8 * count) == rest).unwrap_or(4);
        self.out.push(if value < 0 { -(count as i8) as u8 } else { count as u8 });
        self.out.extend(bytes.iter().take(count));
    }
}

/// The integer, if it is one that has no object in a stream.
fn small(negative: bool, magnitude: &[u8]) -> Option<i64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..magnitude.len())?.copy_from_slice(magnitude);
    let value = i64::try_from(u64::from_le_bytes(bytes)).ok()?;
    let value = if negative { -value } else { value };
    (-(1 << 30)..1 << 30).contains(&value).then_some(value)
}

/// The symbols that have been written, by name and encoding.
#[derive(Default)]
struct Symbols {
    /// The names of the first few, which are searched one by one.
    names: Vec<u8>,
    /// Where each of these ends, and its encoding.
    ends: Vec<(usize, usize)>,
    /// All of them, once there are many: encodings and numbers by name.
    index: BTreeMap<Box<[u8]>, Vec<(usize, usize)>>,
    count: usize,
}

/// From how many symbols on they are looked up.
const MANY: usize = 16;

impl Symbols {
    /// The number of a symbol: `Ok` if it has been written, `Err` if it is new.
    #[inline]
    fn find_or_add(&mut self, name: &[u8], coding: usize) -> Result<usize, usize> {
        if self.count >= MANY {
            return self.look_up(name, coding);
        }
        let mut start = 0;
        for (number, (end, own)) in self.ends.iter().enumerate() {
            if *own == coding && self.names.get(start..*end) == Some(name) {
                return Ok(number);
            }
            start = *end;
        }
        self.names.extend_from_slice(name);
        self.ends.push((self.names.len(), coding));
        self.count += 1;
        Err(self.count - 1)
    }

    fn look_up(&mut self, name: &[u8], coding: usize) -> Result<usize, usize> {
        if self.index.is_empty() {
            let mut start = 0;
            for (number, (end, coding)) in self.ends.iter().enumerate() {
                let name = self.names.get(start..*end).unwrap_or_default();
                self.index.entry(name.into()).or_default().push((*coding, number));
                start = *end;
            }
        }
        let known = self.index.get(name).into_iter().flatten().find(|(own, _)| *own == coding);
        if let Some((_, number)) = known {
            return Ok(*number);
        }
        self.index.entry(name.into()).or_default().push((coding, self.count));
        self.count += 1;
        Err(self.count - 1)
    }
}
