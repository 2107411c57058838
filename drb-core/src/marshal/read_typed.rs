//! Reads values whose type is known, straight from the bytes.

use super::{
    DRB_ARRAY, DRB_UNKNOWN, REFERENCE, REFERENCE_ALIAS,
    cursor::malformed,
    float,
    reader::{Reader, Tail},
    text,
    walk::{walk, walk_pairs},
};
use crate::{
    Limit, LoadError, LoadErrorKind, Shape,
    budget::exceeded,
    load::{Fields, Kind},
};
use std::borrow::Cow;

/// Bytes and the name of their encoding; `None` for UTF-8.
type Encoded<'de> = (&'de [u8], Option<&'de [u8]>);

/// The most bytes that an integer of 128 bits takes.
const WIDE: usize = 16;

impl<'de> Reader<'de> {
    pub(crate) fn take_nil(&mut self) -> Result<bool, LoadError> {
        if self.stream.cursor.peek() != Some(b'0') {
            return Ok(false);
        }
        self.begin()?;
        self.stream.cursor.pos += 1;
        Ok(true)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'T' => Ok(true),
            b'F' => Ok(false),
            other => self.indirect(other, "a boolean", Self::bool),
        }
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64, LoadError> {
        self.begin()?;
        if self.stream.cursor.peek() == Some(b'i') {
            self.stream.cursor.pos += 1;
            return self.stream.cursor.long();
        }
        self.long_i64()
    }

    fn long_i64(&mut self) -> Result<i64, LoadError> {
        match self.stream.cursor.byte()? {
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                signed(negative, magnitude)
                    .and_then(|n| n.try_into().ok())
                    .ok_or_else(|| out_of_range(negative, magnitude, "i64"))
            }
            other => self.indirect(other, "an integer", Self::i64),
        }
    }

    pub(crate) fn i128(&mut self) -> Result<i128, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'i' => self.stream.cursor.long().map(i128::from),
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                signed(negative, magnitude).ok_or_else(|| out_of_range(negative, magnitude, "i128"))
            }
            other => self.indirect(other, "an integer", Self::i128),
        }
    }

    pub(crate) fn u128(&mut self) -> Result<u128, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'i' => {
                let value = self.stream.cursor.long()?;
                u128::try_from(value).map_err(|_| {
                    LoadErrorKind::OutOfRange { value: value.to_string(), target: "u128" }.into()
                })
            }
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                narrow(magnitude)
                    .filter(|n| !negative || *n == 0)
                    .ok_or_else(|| out_of_range(negative, magnitude, "u128"))
            }
            other => self.indirect(other, "an integer", Self::u128),
        }
    }

    pub(crate) fn big_int(&mut self) -> Result<(bool, Vec<u8>), LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'i' => {
                let value = self.stream.cursor.long()?;
                let bytes = value.unsigned_abs().to_le_bytes();
                Ok((value < 0, significant(&bytes).to_vec()))
            }
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                self.budget.take_memory(magnitude.len())?;
                Ok((negative, magnitude.to_vec()))
            }
            other => self.indirect(other, "an integer", Self::big_int),
        }
    }

    pub(crate) fn f64(&mut self) -> Result<f64, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'f' => {
                self.stream.objects += 1;
                self.stream.cursor.sized().map(float::parse)
            }
            b'i' => self.stream.cursor.long().map(|n| n as f64),
            b'l' => {
                let (negative, magnitude) = self.magnitude()?;
                let value =
                    magnitude.iter().rev().fold(0.0, |n, byte| n * 256.0 + f64::from(*byte));
                let value = narrow(magnitude).map_or(value, |n| n as f64);
                Ok(if negative { -value } else { value })
            }
            other => self.indirect(other, "a number", Self::f64),
        }
    }

    #[inline]
    pub(crate) fn str(&mut self) -> Result<Cow<'de, str>, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'I' if self.stream.cursor.peek() == Some(b'"') => {
                self.stream.cursor.pos += 1;
                self.stream.objects += 1;
                let bytes = self.stream.cursor.sized()?;
                let encoding = self.encoding()?;
                self.text(bytes, encoding)
            }
            other => self.other_str(other, "a String"),
        }
    }

    /// A text that doesn't begin in the most usual way.
    fn other_str(&mut self, kind: u8, expected: &'static str) -> Result<Cow<'de, str>, LoadError> {
        match kind {
            b'"' => {
                self.stream.objects += 1;
                let bytes = self.stream.cursor.sized()?;
                self.text(bytes, Some(b"BINARY"))
            }
            b':' | b';' => {
                self.stream.cursor.pos -= 1;
                let span = self.symbol_span()?;
                self.text(span.of(self.stream.cursor.bytes), Some(b"BINARY"))
            }
            b'I' | b'e' | b'C' => {
                self.stream.cursor.pos -= 1;
                if let Some((bytes, encoding)) = self.wrapped_bytes()? {
                    return self.text(bytes, encoding);
                }
                let kind = self.stream.cursor.byte()?;
                self.indirect(kind, expected, Self::str)
            }
            other => self.indirect(other, expected, Self::str),
        }
    }

    /// A string or symbol behind whatever says more of it, and its encoding. `None` if something
    /// else is there; then nothing has been taken.
    fn wrapped_bytes(&mut self) -> Result<Option<Encoded<'de>>, LoadError> {
        if let [b'I', b':', ..] = self.rest() {
            let span = self.symbol_span()?;
            return Ok(Some((span.of(self.stream.cursor.bytes), None)));
        }
        let Some((ivars, at)) = self.string_behind_wraps() else { return Ok(None) };
        // Now that it is known to be a string, its classes are taken.
        self.stream.cursor.pos += usize::from(ivars);
        while self.stream.cursor.pos < at {
            self.stream.cursor.byte()?;
            self.symbol_span()?;
        }
        self.stream.cursor.byte()?;
        self.stream.objects += 1;
        let bytes = self.stream.cursor.sized()?;
        let encoding = if ivars { self.encoding()? } else { Some(&b"BINARY"[..]) };
        Ok(Some((bytes, encoding)))
    }

    /// Whether what is next has instance variables, and where its type is, if that is a string.
    fn string_behind_wraps(&self) -> Option<(bool, usize)> {
        let mut ahead = self.stream.cursor;
        let ivars = ahead.peek() == Some(b'I');
        ahead.pos += usize::from(ivars);
        loop {
            match ahead.peek()? {
                b'"' => return Some((ivars, ahead.pos)),
                b'e' | b'C' => {
                    ahead.pos += 1;
                    match ahead.byte().ok()? {
                        b':' => ahead.sized().ok().map(|_| ())?,
                        b';' => ahead.len().ok().map(|_| ())?,
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }

    /// The instance variables of a string: its encoding (`None` for UTF-8), and others that are
    /// skipped.
    #[inline]
    fn encoding(&mut self) -> Result<Option<&'de [u8]>, LoadError> {
        let mut encoding = Some(&b"BINARY"[..]);
        for _ in 0..self.stream.cursor.count(2)? {
            let name = self.name()?;
            let next = self.stream.cursor.peek();
            if name == b"E" && matches!(next, Some(b'T' | b'F')) {
                self.begin()?;
                self.stream.cursor.pos += 1;
                encoding = if next == Some(b'T') { None } else { Some(b"US-ASCII") };
            } else if name == b"encoding" {
                self.descend()?;
                encoding = Some(self.encoding_name()?);
                self.depth -= 1;
            } else {
                self.descend()?;
                walk(self)?;
                self.depth -= 1;
            }
        }
        Ok(encoding)
    }

    /// The name of an encoding: a string, which is linked when it comes again.
    fn encoding_name(&mut self) -> Result<&'de [u8], LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'"' => {
                self.stream.objects += 1;
                self.stream.cursor.sized()
            }
            b'I' if self.stream.cursor.peek() == Some(b'"') => {
                self.stream.cursor.pos += 1;
                self.stream.objects += 1;
                let name = self.stream.cursor.sized()?;
                walk_pairs(self)?;
                Ok(name)
            }
            other => self.indirect(other, "the name of an encoding", Self::encoding_name),
        }
    }

    #[inline]
    fn text(
        &mut self,
        bytes: &'de [u8],
        encoding: Option<&[u8]>,
    ) -> Result<Cow<'de, str>, LoadError> {
        self.budget.take_memory(bytes.len())?;
        match (std::str::from_utf8(bytes), encoding) {
            (Ok(text), None | Some(b"US-ASCII" | b"BINARY")) => Ok(Cow::Borrowed(text)),
            (_, encoding) => other_text(bytes, encoding.unwrap_or(b"UTF-8")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Cow<'de, [u8]>, LoadError> {
        self.begin()?;
        let kind = self.stream.cursor.byte()?;
        let bytes = match kind {
            b'"' => {
                self.stream.objects += 1;
                self.stream.cursor.sized()?
            }
            b':' | b';' => {
                self.stream.cursor.pos -= 1;
                self.name()?
            }
            b'I' | b'e' | b'C' => {
                self.stream.cursor.pos -= 1;
                match self.wrapped_bytes()? {
                    Some((bytes, _)) => bytes,
                    None => {
                        let kind = self.stream.cursor.byte()?;
                        return self.indirect(kind, "a String", Self::bytes);
                    }
                }
            }
            other => return self.indirect(other, "a String", Self::bytes),
        };
        self.budget.take_memory(bytes.len())?;
        Ok(Cow::Borrowed(bytes))
    }

    pub(crate) fn symbol(&mut self) -> Result<Cow<'de, str>, LoadError> {
        self.begin()?;
        let kind = self.stream.cursor.byte()?;
        self.other_str(kind, "a Symbol")
    }

    #[inline]
    pub(crate) fn array(&mut self) -> Result<usize, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'[' => {}
            other => self.open(other, "an Array", |kind| kind == b'[').map(|_| ())?,
        }
        self.stream.objects += 1;
        let len = self.stream.cursor.count(1)?;
        self.descend()?;
        Ok(len)
    }

    #[inline]
    pub(crate) fn map(&mut self) -> Result<usize, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'{' => {}
            other => {
                if self.open(other, "a Hash", |kind| matches!(kind, b'{' | b'}'))? == b'}' {
                    self.push_tail(Tail::Value);
                }
            }
        }
        self.stream.objects += 1;
        let len = self.stream.cursor.count(2)?;
        self.descend()?;
        Ok(len)
    }

    pub(crate) fn keywords(&mut self) -> Result<Option<usize>, LoadError> {
        if !matches!(self.rest(), [b'I', b'{', ..]) || !self.is_flagged()? {
            return Ok(None);
        }
        self.map().map(Some)
    }

    /// Whether the map that is next has the flag of keywords, which comes behind all its values.
    fn is_flagged(&mut self) -> Result<bool, LoadError> {
        let mut ahead = Self::new(self.stream.cursor.bytes, self.budget)?;
        if self.stream.cursor.pos != ahead.stream.cursor.pos {
            // Keywords are a frame of their own.
            return Ok(false);
        }
        ahead.stream.cursor.pos += 1;
        walk(&mut ahead)?;
        for _ in 0..ahead.stream.cursor.count(2)? {
            if ahead.name()? == b"K" && ahead.stream.cursor.peek() == Some(b'T') {
                return Ok(true);
            }
            walk(&mut ahead)?;
        }
        Ok(false)
    }

    #[inline]
    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<Fields, LoadError> {
        self.begin()?;
        let kind = match self.stream.cursor.byte()? {
            b'o' => b'o',
            other => self.open_object(other, shape)?,
        };
        self.stream.objects += 1;
        let symbols = matches!(kind, b'o' | b'S');
        if symbols {
            let class = self.name()?;
            if class != shape.class.as_bytes() {
                return Err(wrong_class(class, shape));
            }
        } else if kind == b'}' {
            self.push_tail(Tail::Value);
        }
        let left = self.stream.cursor.count(2)?;
        self.descend()?;
        Ok(Fields { left, expected: 0, symbols })
    }

    fn open_object(&mut self, kind: u8, shape: &'static Shape) -> Result<u8, LoadError> {
        self.open(kind, "", |kind| matches!(kind, b'o' | b'S' | b'{' | b'}')).map_err(|error| {
            match error.kind() {
                LoadErrorKind::Mismatch { found, .. } => mismatch(struct_of(shape), found.clone()),
                _ => error,
            }
        })
    }

    #[inline]
    pub(crate) fn field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<Option<usize>, LoadError> {
        while let Some(left) = fields.left.checked_sub(1) {
            fields.left = left;
            let Some(name) = self.field_name(fields.symbols)? else {
                walk(self)?;
                continue;
            };
            if let Some(position) = find_field(shape, fields.expected, name) {
                fields.expected = position + 1;
                return Ok(Some(position));
            }
            walk(self)?;
        }
        Ok(None)
    }

    /// The name of a field, without `@`; `None` for a key of a map that is no name.
    #[inline]
    fn field_name(&mut self, symbols: bool) -> Result<Option<&'de [u8]>, LoadError> {
        if symbols || matches!(self.stream.cursor.peek(), Some(b':' | b';')) {
            return Ok(Some(self.name()?));
        }
        match self.kind()? {
            Kind::Symbol | Kind::Str => match self.bytes()? {
                Cow::Borrowed(name) => Ok(Some(name)),
                Cow::Owned(_) => Ok(None),
            },
            _ => {
                walk(self)?;
                Ok(None)
            }
        }
    }

    /// Begins a set: Ruby's `Set`, or an array. Gives how many members it has, and whether each is
    /// followed by a value to be skipped.
    pub(crate) fn set(&mut self) -> Result<(usize, bool), LoadError> {
        self.begin()?;
        let kind = self.stream.cursor.byte()?;
        let kind = self.open(kind, "a Set or an Array", |kind| matches!(kind, b'[' | b'o'))?;
        self.stream.objects += 1;
        if kind == b'[' {
            let len = self.stream.cursor.count(1)?;
            self.descend()?;
            return Ok((len, false));
        }
        let class = self.name()?;
        if class != b"Set" && class != b"SortedSet" {
            return Err(mismatch("a Set or an Array", class_found("a ", class)));
        }
        // `@hash` is its only instance variable; its keys are the members.
        if self.stream.cursor.count(2)? != 1 {
            return Err(mismatch("a Set or an Array", "a Set of an unknown form"));
        }
        self.name()?;
        Ok((self.map()?, true))
    }

    /// An error that says what is there in place of what was expected.
    #[cold]
    pub(crate) fn mismatch(&mut self, expected: &'static str) -> LoadError {
        match self.describe() {
            Ok(found) => mismatch(expected, found),
            Err(error) => error,
        }
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, LoadError> {
        let cursor = self.stream.cursor;
        let kind = self.peek_kind();
        self.stream.cursor = cursor;
        kind
    }

    /// Whether an array is next that was dumped element by element.
    pub(crate) fn is_drb_array(&mut self) -> Result<bool, LoadError> {
        if self.stream.cursor.peek() != Some(b'u') {
            return Ok(false);
        }
        let cursor = self.stream.cursor;
        self.stream.cursor.byte()?;
        let name = self.peek_name();
        self.stream.cursor = cursor;
        Ok(name? == DRB_ARRAY)
    }

    /// Like `kind`, but leaves the position anywhere.
    fn peek_kind(&mut self) -> Result<Kind, LoadError> {
        loop {
            let at = self.stream.cursor.pos;
            return Ok(match self.stream.cursor.byte()? {
                b'0' => Kind::Nil,
                b'T' | b'F' => Kind::Bool,
                b'i' | b'l' => Kind::Int,
                b'f' => Kind::Float,
                b'"' => Kind::Str,
                b':' | b';' => Kind::Symbol,
                b'[' => Kind::Array,
                b'{' | b'}' => Kind::Map,
                b'o' | b'S' => Kind::Object,
                b'I' => continue,
                b'e' | b'C' => {
                    self.peek_name()?;
                    continue;
                }
                b'@' => {
                    let number = self.stream.cursor.len()?;
                    self.stream.cursor.pos = self.place(number, at)?.start as usize;
                    continue;
                }
                b'u' => match self.peek_name()? {
                    REFERENCE | REFERENCE_ALIAS => Kind::Reference,
                    DRB_ARRAY => Kind::Array,
                    DRB_UNKNOWN => {
                        let payload = self.stream.cursor.sized()?;
                        let outer = self.enter(payload)?;
                        let kind = self.peek_kind();
                        self.leave(outer);
                        kind?
                    }
                    _ => Kind::Other,
                },
                _ => Kind::Other,
            });
        }
    }

    /// The name that a symbol has which is not taken.
    fn peek_name(&mut self) -> Result<&'de [u8], LoadError> {
        let replays = std::mem::replace(&mut self.stream.replays, 1);
        let name = self.name();
        self.stream.replays = replays;
        name
    }

    /// What there is, in words.
    fn describe(&mut self) -> Result<String, LoadError> {
        let cursor = self.stream.cursor;
        let kind = self.kind()?;
        let found: String = match kind {
            Kind::Nil => "nil".into(),
            Kind::Bool => "a boolean".into(),
            Kind::Int => "an Integer".into(),
            Kind::Float => "a Float".into(),
            Kind::Str => "a String".into(),
            Kind::Symbol => "a Symbol".into(),
            Kind::Array => "an Array".into(),
            Kind::Map => "a Hash".into(),
            Kind::Reference => "a reference to a remote object".into(),
            Kind::Object | Kind::Other => self.describe_class(),
        };
        self.stream.cursor = cursor;
        Ok(found)
    }

    fn describe_class(&mut self) -> String {
        loop {
            let Ok(kind) = self.stream.cursor.byte() else { return "nothing".into() };
            match kind {
                b'I' => {}
                b'e' | b'C' => {
                    if self.peek_name().is_err() {
                        return "something malformed".into();
                    }
                }
                b'@' => {
                    let at = self.stream.cursor.pos;
                    let place = self.stream.cursor.len().and_then(|number| self.place(number, at));
                    let Ok(place) = place else { return "something malformed".into() };
                    self.stream.cursor.pos = place.start as usize;
                }
                b'c' | b'm' | b'M' => {
                    let name = self.stream.cursor.sized().unwrap_or_default();
                    return class_found("the class or module ", name);
                }
                b'/' => return "a Regexp".into(),
                b'S' => return class_found("a Struct ", self.peek_name().unwrap_or_default()),
                _ => return class_found("a ", self.peek_name().unwrap_or_default()),
            }
        }
    }

    /// What is no value of the type that is read: perhaps it leads to one.
    fn indirect<T>(
        &mut self,
        kind: u8,
        expected: &'static str,
        read: fn(&mut Self) -> Result<T, LoadError>,
    ) -> Result<T, LoadError> {
        let at = self.stream.cursor.pos - 1;
        match kind {
            b'@' => {
                let jump = self.jump()?;
                self.descend()?;
                let value = read(self)?;
                self.depth -= 1;
                self.jump_back(jump);
                return Ok(value);
            }
            // A value that another process could not load is what it holds.
            b'u' if self.peek_at(self.stream.cursor.pos)? == DRB_UNKNOWN => {
                self.name()?;
                let payload = self.stream.cursor.sized()?;
                self.stream.objects += 1;
                let outer = self.enter(payload)?;
                let value = read(self)?;
                self.leave(outer);
                return Ok(value);
            }
            _ => {}
        }
        self.stream.cursor.pos = at;
        Err(self.mismatch(expected))
    }

    fn peek_at(&mut self, pos: usize) -> Result<&'de [u8], LoadError> {
        let cursor = self.stream.cursor;
        self.stream.cursor.pos = pos;
        let name = self.peek_name();
        self.stream.cursor = cursor;
        name
    }

    /// Takes what comes before the type of a container, and gives that type. What is to be done at
    /// its end is remembered.
    fn open(
        &mut self,
        first: u8,
        expected: &'static str,
        accept: fn(u8) -> bool,
    ) -> Result<u8, LoadError> {
        let start = self.stream.cursor.pos - 1;
        let mut kind = first;
        let mut ivars = false;
        loop {
            match kind {
                b'@' if !ivars => {
                    let jump = self.jump()?;
                    self.push_tail(Tail::Return(jump));
                }
                b'I' if !ivars => ivars = true,
                b'e' | b'C' => {
                    self.symbol_span()?;
                }
                b'u' => {
                    let class = self.name()?;
                    if class != DRB_UNKNOWN && (class != DRB_ARRAY || !accept(b'[')) {
                        break;
                    }
                    let payload = self.stream.cursor.sized()?;
                    if std::mem::take(&mut ivars) {
                        walk_pairs(self)?;
                    }
                    self.stream.objects += 1;
                    let outer = self.enter(payload)?;
                    self.push_tail(Tail::Leave(outer));
                }
                kind if accept(kind) => {
                    if ivars {
                        self.push_tail(Tail::Ivars);
                    }
                    return Ok(kind);
                }
                _ => break,
            }
            kind = self.stream.cursor.byte()?;
        }
        self.stream.cursor.pos = start.min(self.stream.cursor.pos);
        Err(self.mismatch(expected))
    }

    /// The sign and the significant bytes of a large integer, whose type has been taken.
    pub(super) fn magnitude(&mut self) -> Result<(bool, &'de [u8]), LoadError> {
        let at = self.stream.cursor.pos;
        let negative = match self.stream.cursor.byte()? {
            b'+' => false,
            b'-' => true,
            _ => return Err(malformed(at, "an integer without a sign")),
        };
        let len = self.stream.cursor.len()?.saturating_mul(2);
        if len > self.budget.integer {
            return Err(exceeded(Limit::Integer, self.budget.integer));
        }
        self.stream.objects += 1;
        Ok((negative, significant(self.stream.cursor.take(len)?)))
    }

    fn rest(&self) -> &'de [u8] {
        self.stream.cursor.bytes.get(self.stream.cursor.pos..).unwrap_or_default()
    }
}

/// The position of a field: most often the expected one.
#[inline]
fn find_field(shape: &'static Shape, expected: usize, name: &[u8]) -> Option<usize> {
    let name = name.strip_prefix(b"@").unwrap_or(name);
    let is = |position: usize| {
        shape.fields.get(position).is_some_and(|field| field.name.as_bytes() == name)
    };
    if is(expected) {
        return Some(expected);
    }
    (0..shape.fields.len()).find(|position| is(*position))
}

/// Bytes without the zeros at their end.
fn significant(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..len).unwrap_or_default()
}

fn narrow(magnitude: &[u8]) -> Option<u128> {
    let mut bytes = [0; WIDE];
    bytes.get_mut(..magnitude.len())?.copy_from_slice(magnitude);
    Some(u128::from_le_bytes(bytes))
}

fn signed(negative: bool, magnitude: &[u8]) -> Option<i128> {
    let value = narrow(magnitude)?;
    if negative { 0_i128.checked_sub_unsigned(value) } else { value.try_into().ok() }
}

#[cold]
fn out_of_range(negative: bool, magnitude: &[u8], target: &'static str) -> LoadError {
    let value = match narrow(magnitude) {
        Some(value) if negative => format!("-{value}"),
        Some(value) => value.to_string(),
        None => format!("of {} bytes", magnitude.len()),
    };
    LoadErrorKind::OutOfRange { value, target }.into()
}

#[cold]
fn other_text<'de>(bytes: &'de [u8], encoding: &[u8]) -> Result<Cow<'de, str>, LoadError> {
    text::decode(bytes, encoding).ok_or_else(|| {
        let encoding = String::from_utf8_lossy(encoding).into_owned();
        LoadErrorKind::NotText { encoding }.into()
    })
}

#[cold]
fn mismatch(
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> LoadError {
    LoadErrorKind::Mismatch { expected: expected.into(), found: found.into() }.into()
}

#[cold]
fn wrong_class(class: &[u8], shape: &'static Shape) -> LoadError {
    let class = String::from_utf8_lossy(class);
    let found = format!("a {class} (which `#[drb(class = \"{class}\")]` would accept)");
    mismatch(struct_of(shape), found)
}

fn struct_of(shape: &'static Shape) -> String {
    format!("a {} (object, Struct or Hash)", shape.class)
}

fn class_found(what: &str, class: &[u8]) -> String {
    format!("{what}{}", String::from_utf8_lossy(class))
}
