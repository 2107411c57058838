//! Reads values whose type is known, straight from the bytes: what contains others.

use super::{
    DRB_ARRAY, DRB_UNKNOWN,
    look::{class_found, mismatch},
    reader::{Reader, Tail},
    walk::{walk, walk_pairs},
};
use crate::{
    LoadError, LoadErrorKind, Shape,
    load::{Fields, Kind},
};
use std::borrow::Cow;

impl<'de> Reader<'de> {
    pub(crate) fn take_nil(&mut self) -> Result<bool, LoadError> {
        if self.stream.cursor.peek() != Some(b'0') {
            return Ok(false);
        }
        self.begin()?;
        self.stream.cursor.pos += 1;
        Ok(true)
    }

    #[inline(never)]
    pub(crate) fn bool(&mut self) -> Result<bool, LoadError> {
        if let Some(byte @ (b'T' | b'F')) = self.stream.cursor.peek()
            && self.budget.try_take(1, 0).is_some()
        {
            self.stream.cursor.pos += 1;
            return Ok(byte == b'T');
        }
        self.any_bool()
    }

    #[inline(never)]
    fn any_bool(&mut self) -> Result<bool, LoadError> {
        self.begin()?;
        match self.stream.cursor.byte()? {
            b'T' => Ok(true),
            b'F' => Ok(false),
            other => self.indirect(other, "a boolean", Self::bool),
        }
    }

    #[inline(never)]
    pub(crate) fn array(&mut self) -> Result<usize, LoadError> {
        self.begin()?;
        // As most are: the length has one byte.
        if let Some([b'[', len @ (0 | 6..=127), rest @ ..]) = self.ahead()
            && let len = usize::from(len.saturating_sub(5))
            && len <= rest.len()
        {
            self.stream.cursor.pos += 2;
            self.stream.objects += 1;
            self.descend()?;
            return Ok(len);
        }
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

    pub(crate) fn object(&mut self, shape: &'static Shape) -> Result<Fields, LoadError> {
        let mut fields = Fields::default();
        self.begin_struct(shape, &mut fields).map(|_| fields)
    }

    /// The same, which says whether the fields may be those of the shape in its order.
    #[inline(never)]
    pub(crate) fn begin_struct(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<bool, LoadError> {
        self.begin()?;
        if let Some(head) = self.ahead().and_then(<[u8]>::first_chunk::<4>)
            && let Some(left) = self.stream.names.begun(shape, head)
        {
            self.stream.cursor.pos += head.len();
            self.stream.objects += 1;
            self.descend()?;
            fields.left = left;
            fields.symbols = true;
        } else {
            *fields = self.other_object(shape)?;
        }
        Ok(fields.may_be_in_order(shape))
    }

    /// Whether the field at `position` is next, by a symbol that was seen to name it; then that is taken.
    #[inline(never)]
    pub(crate) fn comes(&mut self, shape: &'static Shape, position: usize) -> bool {
        match self.ahead() {
            Some([b';', number, ..]) if self.stream.names.is(shape, position, *number) => {
                self.stream.cursor.pos += 2;
                true
            }
            _ => false,
        }
    }

    #[inline(never)]
    fn other_object(&mut self, shape: &'static Shape) -> Result<Fields, LoadError> {
        let start = self.stream.cursor.pos;
        let kind = match self.stream.cursor.byte()? {
            kind @ (b'o' | b'S') => kind,
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
        let head = self.stream.cursor.bytes.get(start..self.stream.cursor.pos);
        if symbols && let Some(head @ [b'o' | b'S', ..]) = head {
            self.stream.names.found_head(shape, head);
        }
        self.descend()?;
        Ok(Fields { left, expected: 0, symbols, names: None })
    }

    fn open_object(&mut self, kind: u8, shape: &'static Shape) -> Result<u8, LoadError> {
        self.open(kind, "", |kind| matches!(kind, b'o' | b'S' | b'{' | b'}')).map_err(|error| {
            match error.kind() {
                LoadErrorKind::Mismatch { found, .. } => mismatch(struct_of(shape), found.clone()),
                _ => error,
            }
        })
    }

    /// The position of the field that comes next; behind the last one that of none.
    #[inline(never)]
    pub(crate) fn field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<usize, LoadError> {
        let Some(left) = fields.left.checked_sub(1) else { return Ok(shape.fields.len()) };
        // As it mostly is: the one that is expected.
        if self.comes(shape, fields.expected) {
            fields.left = left;
            fields.expected += 1;
            return Ok(fields.expected - 1);
        }
        self.any_field(shape, fields)
    }

    #[inline(never)]
    fn any_field(
        &mut self,
        shape: &'static Shape,
        fields: &mut Fields,
    ) -> Result<usize, LoadError> {
        while let Some(left) = fields.left.checked_sub(1) {
            fields.left = left;
            let link = match self.rest() {
                [b';', number @ 6..=127, ..] => Some(*number),
                _ => None,
            };
            let Some(name) = self.field_name(fields.symbols)? else {
                walk(self)?;
                continue;
            };
            if let Some(position) = find_field(shape, fields.expected, name) {
                fields.expected = position + 1;
                if let Some(number) = link {
                    self.stream.names.found(shape, position, number);
                }
                return Ok(position);
            }
            walk(self)?;
        }
        Ok(shape.fields.len())
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

    /// What is no value of the type that is read: perhaps it leads to one.
    pub(super) fn indirect<T>(
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

    pub(super) fn rest(&self) -> &'de [u8] {
        self.ahead().unwrap_or_default()
    }

    /// The same for forms that are tried. A position behind the end never is, so what stands for it costs nothing
    /// here.
    #[inline(always)]
    pub(super) fn ahead(&self) -> Option<&'de [u8]> {
        self.stream.cursor.bytes.get(self.stream.cursor.pos..)
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

#[cold]
fn wrong_class(class: &[u8], shape: &'static Shape) -> LoadError {
    let class = String::from_utf8_lossy(class);
    let found = format!("a {class} (which `#[drb(class = \"{class}\")]` would accept)");
    mismatch(struct_of(shape), found)
}

fn struct_of(shape: &'static Shape) -> String {
    format!("a {} (object, Struct or Hash)", shape.class)
}
