//! Finds out what is next without taking it, and says it in words.

use super::{DRB_ARRAY, DRB_UNKNOWN, REFERENCE, REFERENCE_ALIAS, reader::Reader};
use crate::{LoadError, LoadErrorKind, load::Kind};
use std::borrow::Cow;

impl<'de> Reader<'de> {
    pub(crate) fn kind(&mut self) -> Result<Kind, LoadError> {
        let cursor = self.stream.cursor;
        let kind = self.peek_kind();
        self.stream.cursor = cursor;
        kind
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

    /// Whether an array is next that was dumped element by element.
    pub(crate) fn is_drb_array(&mut self) -> Result<bool, LoadError> {
        let cursor = self.stream.cursor;
        let found = self.peek_drb_array();
        self.stream.cursor = cursor;
        found
    }

    /// Like `is_drb_array`, but leaves the position anywhere.
    fn peek_drb_array(&mut self) -> Result<bool, LoadError> {
        loop {
            let at = self.stream.cursor.pos;
            match self.stream.cursor.byte()? {
                b'I' => {}
                b'@' => {
                    let number = self.stream.cursor.len()?;
                    self.stream.cursor.pos = self.place(number, at)?.start as usize;
                }
                b'u' => return Ok(self.peek_name()? == DRB_ARRAY),
                _ => return Ok(false),
            }
        }
    }

    /// The name that a symbol has which is not taken.
    fn peek_name(&mut self) -> Result<&'de [u8], LoadError> {
        let replays = std::mem::replace(&mut self.stream.replays, 1);
        let name = self.name();
        self.stream.replays = replays;
        name
    }

    pub(super) fn peek_at(&mut self, pos: usize) -> Result<&'de [u8], LoadError> {
        let cursor = self.stream.cursor;
        self.stream.cursor.pos = pos;
        let name = self.peek_name();
        self.stream.cursor = cursor;
        name
    }

    /// An error that says what is there in place of what was expected.
    #[cold]
    pub(crate) fn mismatch(&mut self, expected: &'static str) -> LoadError {
        match self.describe() {
            Ok(found) => mismatch(expected, found),
            Err(error) => error,
        }
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
}

#[cold]
pub(super) fn mismatch(
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> LoadError {
    LoadErrorKind::Mismatch { expected: expected.into(), found: found.into() }.into()
}

pub(super) fn class_found(what: &str, class: &[u8]) -> String {
    format!("{what}{}", String::from_utf8_lossy(class))
}
