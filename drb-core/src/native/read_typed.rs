//! Reads values whose type is known, straight from the bytes.

use super::{
    ext,
    reader::{Head, Reader, is_mark, malformed},
};
use crate::{
    Limit, LoadError, LoadErrorKind, Loader, Shape,
    budget::exceeded,
    load::{Fields, Kind},
    marshal::{self, Moment},
    text,
};
use std::borrow::Cow;

impl<'de> Reader<'de> {
    pub(crate) fn take_nil(&mut self) -> Result<bool, LoadError> {
        match self.rest {
            [0xc0, rest @ ..] => {
                self.rest = rest;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    #[inline(always)]
    pub(crate) fn bool(&mut self) -> Result<bool, LoadError> {
        match self.rest {
            [byte @ (0xc2 | 0xc3), rest @ ..] => {
                self.rest = rest;
                Ok(*byte == 0xc3)
            }
            _ => self.any_bool(),
        }
    }

    #[inline(never)]
    fn any_bool(&mut self) -> Result<bool, LoadError> {
        let start = self.rest;
        match self.head()? {
            Head::Bool(value) => Ok(value),
            _ => Err(self.other(start, "a boolean")),
        }
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64, LoadError> {
        match self.small_int() {
            Some(number) => Ok(i64::from(number)),
            None => self.any_i64(),
        }
    }

    #[inline(never)]
    fn any_i64(&mut self) -> Result<i64, LoadError> {
        let start = self.rest;
        match self.head()? {
            Head::Int(value) => Ok(value),
            Head::Uint(value) => Err(out_of_range(value, "i64")),
            Head::Ext(ext::INTEGER, len) => {
                let (negative, magnitude) = self.integer(len)?;
                Err(too_large(negative, magnitude, "i64"))
            }
            _ => Err(self.other(start, "an integer")),
        }
    }

    /// An integer in one of the forms that most have.
    #[inline(always)]
    pub(crate) fn small_int(&mut self) -> Option<u32> {
        let (number, rest) = match self.rest {
            [byte @ 0..=0x7f, rest @ ..] => (u32::from(*byte), rest),
            [0xcc, byte, rest @ ..] => (u32::from(*byte), rest),
            [0xcd, a, b, rest @ ..] => (u32::from_be_bytes([0, 0, *a, *b]), rest),
            [0xce, a, b, c, d, rest @ ..] => (u32::from_be_bytes([*a, *b, *c, *d]), rest),
            _ => return None,
        };
        self.rest = rest;
        Some(number)
    }

    pub(crate) fn i128(&mut self) -> Result<i128, LoadError> {
        let start = self.rest;
        match self.head()? {
            Head::Int(value) => Ok(i128::from(value)),
            Head::Uint(value) => Ok(i128::from(value)),
            Head::Ext(ext::INTEGER, len) => {
                let (negative, magnitude) = self.integer(len)?;
                let value = narrow(magnitude).and_then(|value| match negative {
                    false => i128::try_from(value).ok(),
                    true => 0_i128.checked_sub_unsigned(value),
                });
                value.ok_or_else(|| too_large(negative, magnitude, "i128"))
            }
            _ => Err(self.other(start, "an integer")),
        }
    }

    pub(crate) fn u128(&mut self) -> Result<u128, LoadError> {
        let start = self.rest;
        if let Some(number) = self.small_int() {
            return Ok(u128::from(number));
        }
        match self.head()? {
            Head::Int(value) => u128::try_from(value).map_err(|_| out_of_range(value, "u128")),
            Head::Uint(value) => Ok(u128::from(value)),
            Head::Ext(ext::INTEGER, len) => {
                let (negative, magnitude) = self.integer(len)?;
                let value = narrow(magnitude).filter(|value| !negative || *value == 0);
                value.ok_or_else(|| too_large(negative, magnitude, "u128"))
            }
            _ => Err(self.other(start, "an integer")),
        }
    }

    pub(crate) fn big_int(&mut self) -> Result<(bool, Vec<u8>), LoadError> {
        let start = self.rest;
        let (negative, magnitude) = match self.head()? {
            Head::Int(value) => (value < 0, value.unsigned_abs().to_le_bytes().to_vec()),
            Head::Uint(value) => (false, value.to_le_bytes().to_vec()),
            Head::Ext(ext::INTEGER, len) => {
                let (negative, magnitude) = self.integer(len)?;
                self.budget.take_memory(magnitude.len())?;
                (negative, magnitude.to_vec())
            }
            _ => return Err(self.other(start, "an integer")),
        };
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Ok((negative, magnitude.into_iter().take(len).collect()))
    }

    #[inline(always)]
    pub(crate) fn f64(&mut self) -> Result<f64, LoadError> {
        if let Some(([0xcb, float @ ..], rest)) = self.rest.split_first_chunk::<9>() {
            self.rest = rest;
            return Ok(f64::from_be_bytes(*float));
        }
        self.any_f64().map(f64::from_bits)
    }

    /// The bits of a float.
    #[inline(never)]
    fn any_f64(&mut self) -> Result<u64, LoadError> {
        let start = self.rest;
        let value = match self.head()? {
            Head::Float(value) => value,
            Head::Int(value) => value as f64,
            Head::Uint(value) => value as f64,
            Head::Ext(ext::INTEGER, len) => {
                let (negative, magnitude) = self.integer(len)?;
                let value =
                    magnitude.iter().rev().fold(0.0, |n, byte| n * 256.0 + f64::from(*byte));
                if negative { -value } else { value }
            }
            _ => return Err(self.other(start, "a number")),
        };
        Ok(value.to_bits())
    }

    pub(crate) fn str(&mut self) -> Result<Cow<'de, str>, LoadError> {
        self.text("a String")
    }

    pub(crate) fn symbol(&mut self) -> Result<Cow<'de, str>, LoadError> {
        self.text("a Symbol")
    }

    /// A text that is going to be kept, in the form that most have. `None` if it has another one, or not all is
    /// as it should be: then nothing is taken.
    #[inline(never)]
    pub(crate) fn usual_text(&mut self) -> Option<Box<str>> {
        let [byte @ 0xa0..=0xbf, rest @ ..] = self.rest else { return None };
        let len = usize::from(byte & 0x1f);
        let behind = rest.get(len..)?;
        let text = text::short(rest, len)?;
        self.budget.try_take(0, len)?;
        self.rest = behind;
        Some(text)
    }

    #[inline(never)]
    fn text(&mut self, expected: &'static str) -> Result<Cow<'de, str>, LoadError> {
        let start = self.rest;
        let bytes = match self.head()? {
            Head::Str(len) | Head::Bytes(len) => self.string(len)?,
            Head::Ext(ext::SYMBOL, len) => Cow::Borrowed(self.take(len)?),
            Head::Ext(ext::TEXT, len) => {
                let (encoding, bytes) = self.encoded(len)?;
                self.budget.take_memory(bytes.len())?;
                let encoding = encoding.as_bytes();
                return marshal::decode_text(bytes, encoding).ok_or_else(|| not_text(encoding));
            }
            _ => return Err(self.other(start, expected)),
        };
        self.budget.take_memory(bytes.len())?;
        let text = match bytes {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        };
        text.ok_or_else(|| not_text(b"UTF-8"))
    }

    pub(crate) fn bytes(&mut self) -> Result<Cow<'de, [u8]>, LoadError> {
        let start = self.rest;
        let bytes = match self.head()? {
            Head::Str(len) | Head::Bytes(len) => self.string(len)?,
            Head::Ext(ext::SYMBOL, len) => Cow::Borrowed(self.take(len)?),
            Head::Ext(ext::TEXT, len) => Cow::Borrowed(self.encoded(len)?.1),
            _ => return Err(self.other(start, "a String")),
        };
        self.budget.take_memory(bytes.len())?;
        Ok(bytes)
    }

    #[inline(always)]
    pub(crate) fn array(&mut self) -> Result<usize, LoadError> {
        if let [byte @ 0x90..=0x9f, rest @ ..] = self.rest
            && let len = usize::from(byte & 0xf)
            && len <= rest.len()
            && (len == 0 || !is_mark(rest.first()))
        {
            self.rest = rest;
            self.descend(len)?;
            return Ok(len);
        }
        self.any_array()
    }

    #[inline(never)]
    fn any_array(&mut self) -> Result<usize, LoadError> {
        let start = self.rest;
        match self.head()? {
            Head::Array(len) if self.mark(len)?.is_none() => {
                self.descend(len)?;
                Ok(len)
            }
            _ => Err(self.other(start, "an Array")),
        }
    }

    pub(crate) fn map(&mut self) -> Result<usize, LoadError> {
        let start = self.rest;
        let len = match self.head()? {
            Head::Map(len) => len,
            Head::Array(len) => match self.mark(len)? {
                Some((ext::KEYWORDS, _)) => pairs(len),
                _ => return Err(self.other(start, "a Hash")),
            },
            _ => return Err(self.other(start, "a Hash")),
        };
        self.descend(2 * len)?;
        Ok(len)
    }

    /// Only Ruby's wire has arrays that were dumped element by element.
    pub(crate) fn is_drb_array(&mut self) -> Result<bool, LoadError> {
        Ok(false)
    }

    /// Begins arguments by name, if it is those.
    pub(crate) fn keywords(&mut self) -> Result<Option<usize>, LoadError> {
        let start = self.rest;
        if let Head::Array(len) = self.head()?
            && let Some((ext::KEYWORDS, _)) = self.mark(len)?
        {
            self.descend(2 * pairs(len))?;
            return Ok(Some(pairs(len)));
        }
        self.rest = start;
        Ok(None)
    }

    /// Begins a struct if the one before was of the same type, as it mostly is: its fields follow in the
    /// order of its shape.
    #[inline(always)]
    pub(crate) fn another(&mut self, shape: &'static Shape) -> Result<bool, LoadError> {
        if let Some((head, last)) = &self.last_head
            && std::ptr::eq(*last, shape)
            && let Some((found, rest)) = self.rest.split_first_chunk()
            && found == head
        {
            self.rest = rest;
            self.descend(shape.fields.len())?;
            return Ok(true);
        }
        Ok(false)
    }

    #[inline(never)]
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<Fields, LoadError> {
        let start = self.rest;
        let fields = match self.head()? {
            Head::Array(len) => match self.mark(len)? {
                Some((ext::SHAPE, mark)) => {
                    let peer = self.shape(mark)?;
                    if peer.class != shape.class {
                        return Err(wrong_class(&peer.class, shape));
                    }
                    let names = (!peer.is_like(shape)).then(|| peer.clone());
                    if peer.fields.len() != len - 1 {
                        return Err(malformed(
                            self.pos(),
                            "a struct with another number of fields",
                        ));
                    }
                    if names.is_none() && start.len() - self.rest.len() == 4 {
                        self.last_head = start.first_chunk().map(|head| (*head, shape));
                    }
                    Fields { left: len - 1, expected: 0, symbols: true, names }
                }
                Some((ext::OBJECT | ext::STRUCT, class)) => {
                    if class != shape.class.as_bytes() {
                        return Err(wrong_class(&String::from_utf8_lossy(class), shape));
                    }
                    Fields { left: pairs(len), expected: 0, symbols: false, names: None }
                }
                _ => return Err(self.other(start, expected_struct(shape))),
            },
            Head::Map(len) => Fields { left: len, expected: 0, symbols: false, names: None },
            _ => return Err(self.other(start, expected_struct(shape))),
        };
        // Where no shape says their names, these are values, too.
        let names = if fields.symbols { 0 } else { fields.left };
        self.descend(fields.left + names)?;
        Ok(fields)
    }

    /// The position of the field that comes next; behind the last one that of none.
    #[inline(never)]
    pub(crate) fn field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<usize, LoadError> {
        while let Some(left) = fields.left.checked_sub(1) {
            fields.left = left;
            let found = match (fields.symbols, &fields.names) {
                // By position.
                (true, None) => Some(fields.expected),
                (true, Some(peer)) => {
                    let position = peer.fields.len() - 1 - left;
                    let name = peer.fields.get(position).map_or("", String::as_str);
                    find_field(shape, fields.expected, name.as_bytes())
                }
                (false, _) => {
                    let name = match self.kind()? {
                        Kind::Str | Kind::Symbol => Some(self.bytes()?),
                        _ => {
                            self.skip()?;
                            None
                        }
                    };
                    name.and_then(|name| find_field(shape, fields.expected, &name))
                }
            };
            if let Some(position) = found {
                fields.expected = position + 1;
                return Ok(position);
            }
            self.skip()?;
        }
        Ok(shape.fields.len())
    }

    /// Begins a set, or an array in its place.
    pub(crate) fn set(&mut self) -> Result<(usize, bool), LoadError> {
        let start = self.rest;
        let Head::Array(len) = self.head()? else {
            return Err(self.other(start, "a Set or an Array"));
        };
        let len = match self.mark(len)? {
            None => len,
            Some((ext::SET, _)) => len - 1,
            Some(_) => return Err(self.other(start, "a Set or an Array")),
        };
        self.descend(len)?;
        Ok((len, false))
    }

    pub(crate) fn time(&mut self) -> Result<Moment, LoadError> {
        let start = self.rest;
        match self.head()? {
            Head::Ext(ext::TIME, len) => self.moment(len),
            Head::Ext(ext::MARSHAL, len) => self.marshal(len, |loader| loader.time()),
            _ => Err(self.other(start, "a Time")),
        }
    }

    /// An error that says what is there in place of what was expected.
    #[cold]
    pub(crate) fn mismatch(&mut self, expected: &'static str) -> LoadError {
        self.other(self.rest, expected)
    }

    /// The same for a value that `start` begins with.
    #[cold]
    pub(super) fn other(
        &mut self,
        start: &'de [u8],
        expected: impl Into<Cow<'static, str>>,
    ) -> LoadError {
        self.rest = start;
        match self.describe() {
            Ok(found) => {
                LoadErrorKind::Mismatch { expected: expected.into(), found: found.into() }.into()
            }
            Err(error) => error,
        }
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, LoadError> {
        let start = self.rest;
        let kind = self.peek_kind();
        self.rest = start;
        kind
    }

    fn peek_kind(&mut self) -> Result<Kind, LoadError> {
        Ok(match self.head()? {
            Head::Nil => Kind::Nil,
            Head::Bool(_) => Kind::Bool,
            Head::Int(_) | Head::Uint(_) | Head::Ext(ext::INTEGER, _) => Kind::Int,
            Head::Float(_) => Kind::Float,
            Head::Str(_) | Head::Bytes(_) | Head::Ext(ext::TEXT, _) => Kind::Str,
            Head::Ext(ext::SYMBOL, _) => Kind::Symbol,
            Head::Map(_) => Kind::Map,
            Head::Array(len) => match self.mark(len)? {
                None => Kind::Array,
                Some((ext::KEYWORDS, _)) => Kind::Map,
                Some((ext::SET, _)) => Kind::Other,
                Some(_) => Kind::Object,
            },
            Head::Ext(ext::REFERENCE, _) => Kind::Reference,
            // What only Ruby has, only a `Value` or a `Time` can be.
            Head::Ext(..) => Kind::Other,
        })
    }

    /// What there is, in words.
    fn describe(&mut self) -> Result<String, LoadError> {
        let start = self.rest;
        let head = self.head()?;
        let found = match head {
            Head::Ext(ext::TIME, _) => "a Time".into(),
            Head::Array(len) => match self.mark(len)? {
                None => "an Array".into(),
                Some((ext::KEYWORDS, _)) => "a Hash".into(),
                Some((ext::SET, _)) => "a Set".into(),
                Some((ext::SHAPE, mark)) => format!("a {}", self.shape(mark)?.class),
                Some((_, class)) => format!("a {}", String::from_utf8_lossy(class)),
            },
            _ => {
                self.rest = start;
                match self.kind()? {
                    Kind::Nil => "nil",
                    Kind::Bool => "a boolean",
                    Kind::Int => "an Integer",
                    Kind::Float => "a Float",
                    Kind::Str => "a String",
                    Kind::Symbol => "a Symbol",
                    Kind::Array => "an Array",
                    Kind::Map => "a Hash",
                    Kind::Reference => "a reference to a remote object",
                    Kind::Object | Kind::Other => "something else",
                }
                .into()
            }
        };
        self.rest = start;
        Ok(found)
    }

    /// The sign and the magnitude of a large integer.
    pub(super) fn integer(&mut self, len: usize) -> Result<(bool, &'de [u8]), LoadError> {
        let at = self.pos();
        if len > self.budget.integer + 1 {
            return Err(exceeded(Limit::Integer, self.budget.integer));
        }
        match self.take(len)?.split_first() {
            Some((sign @ 0..=1, magnitude)) => Ok((*sign == 1, magnitude)),
            _ => Err(malformed(at, "an integer without a sign")),
        }
    }

    /// The encoding of a text and its bytes.
    pub(super) fn encoded(&mut self, len: usize) -> Result<(&'de str, &'de [u8]), LoadError> {
        let at = self.pos();
        let bytes = self.take(len)?;
        let split =
            bytes.split_first().and_then(|(len, rest)| rest.split_at_checked(usize::from(*len)));
        let (name, bytes) = split.ok_or_else(|| malformed(at, "a text without an encoding"))?;
        match std::str::from_utf8(name) {
            Ok(name) => Ok((name, bytes)),
            Err(_) => Err(malformed(at, "an encoding whose name is no UTF-8")),
        }
    }

    pub(super) fn moment(&mut self, len: usize) -> Result<Moment, LoadError> {
        let at = self.pos();
        let bytes = self.take(len)?;
        let moment = bytes.split_first_chunk::<8>().and_then(|(seconds, rest)| {
            let (nanos, rest) = rest.split_first_chunk::<4>()?;
            let offset = match rest {
                [] => None,
                rest => Some(i32::from_be_bytes(rest.try_into().ok()?)),
            };
            let nanos = u32::from_be_bytes(*nanos);
            let moment = Moment { seconds: i64::from_be_bytes(*seconds), nanos, offset };
            (nanos < 1_000_000_000 && moment.is_near()).then_some(moment)
        });
        moment.ok_or_else(|| malformed(at, "a time that is none"))
    }

    /// What `load` makes of a stream of Marshal.
    pub(super) fn marshal<T>(
        &mut self,
        len: usize,
        load: impl FnOnce(&mut Loader<'de>) -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        let stream = self.take(len)?;
        let depth = self.budget.depth;
        // What is around it counts.
        let mut budget = self.budget;
        budget.depth = self.levels;
        let mut loader = Loader::marshal_with(stream, budget, None)?;
        let loaded = load(&mut loader)?;
        self.budget = loader.budget();
        self.budget.depth = depth;
        Ok(loaded)
    }
}

/// How many pairs are behind the mark of an array of `len` elements.
pub(super) fn pairs(len: usize) -> usize {
    len.saturating_sub(1) / 2
}

#[inline]
fn find_field(shape: &Shape, expected: usize, name: &[u8]) -> Option<usize> {
    let name = name.strip_prefix(b"@").unwrap_or(name);
    let is =
        |index: usize| shape.fields.get(index).is_some_and(|field| field.name.as_bytes() == name);
    if is(expected) {
        return Some(expected);
    }
    (0..shape.fields.len()).find(|index| is(*index))
}

fn narrow(magnitude: &[u8]) -> Option<u128> {
    let mut bytes = [0; 16];
    let (low, high) = magnitude.split_at_checked(16).unwrap_or((magnitude, &[]));
    bytes.iter_mut().zip(low).for_each(|(to, from)| *to = *from);
    high.iter().all(|byte| *byte == 0).then(|| u128::from_le_bytes(bytes))
}

#[cold]
fn out_of_range(value: impl ToString, target: &'static str) -> LoadError {
    LoadErrorKind::OutOfRange { value: value.to_string(), target }.into()
}

#[cold]
fn too_large(negative: bool, magnitude: &[u8], target: &'static str) -> LoadError {
    let sign = if negative { "-" } else { "" };
    let value = match narrow(magnitude) {
        Some(value) => format!("{sign}{value}"),
        None => format!("{sign}(an integer of {} bytes)", magnitude.len()),
    };
    LoadErrorKind::OutOfRange { value, target }.into()
}

#[cold]
fn not_text(encoding: &[u8]) -> LoadError {
    let encoding = String::from_utf8_lossy(encoding).into_owned();
    LoadErrorKind::NotText { encoding }.into()
}

#[cold]
fn wrong_class(class: &str, shape: &'static Shape) -> LoadError {
    LoadErrorKind::Mismatch {
        expected: expected_struct(shape),
        found: format!("a {class} (which `#[drb(class = \"{class}\")]` would accept)").into(),
    }
    .into()
}

#[cold]
fn expected_struct(shape: &'static Shape) -> Cow<'static, str> {
    format!("a {}", shape.class).into()
}
