//! Reads texts, symbols and bytes, straight from the bytes.

use super::{
    reader::Reader,
    text,
    walk::{walk, walk_pairs},
};
use crate::{LoadError, LoadErrorKind};
use std::borrow::Cow;

/// Bytes and the name of their encoding; `None` for UTF-8.
type Encoded<'de> = (&'de [u8], Option<&'de [u8]>);

impl<'de> Reader<'de> {
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

    /// A text that is going to be kept, in the form that most have: short, and in UTF-8, which has been said
    /// before in the same way. `None` if it has another one, or not all is as it should be: then nothing is taken.
    #[inline(never)]
    pub(crate) fn usual_text(&mut self) -> Option<Box<str>> {
        let Some([b'I', b'"', len @ 6..=127, rest @ ..]) = self.ahead() else { return None };
        let len = usize::from(len - 5);
        let ivars = rest.get(len..)?.first_chunk()?;
        if Some(ivars) != self.stream.utf8.as_ref() {
            return None;
        }
        let text = crate::text::short(rest, len)?;
        // The flag of the encoding is a value, too.
        self.budget.try_take(2, len)?;
        self.stream.objects += 1;
        self.stream.cursor.pos += 3 + len + 4;
        Some(text)
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

    pub(crate) fn symbol(&mut self) -> Result<Cow<'de, str>, LoadError> {
        self.begin()?;
        let kind = self.stream.cursor.byte()?;
        self.other_str(kind, "a Symbol")
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
        if let Some(utf8) = self.usual_encoding() {
            self.begin()?;
            if utf8 {
                self.stream.utf8 = self.rest().first_chunk().copied();
            }
            self.stream.cursor.pos += 4;
            return Ok(if utf8 { None } else { Some(b"US-ASCII") });
        }
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

    /// Whether the encoding is UTF-8 and not ASCII, if it is all that is said of the string, in four
    /// bytes: so it is for each string but the first.
    #[inline]
    fn usual_encoding(&self) -> Option<bool> {
        let [6, b';', number @ (0 | 6..=127), flag @ (b'T' | b'F'), ..] = self.rest() else {
            return None;
        };
        let span = self.stream.symbols.get(usize::from(number.saturating_sub(5)))?;
        (span.of(self.stream.cursor.bytes) == b"E").then_some(*flag == b'T')
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
}

#[cold]
fn other_text<'de>(bytes: &'de [u8], encoding: &[u8]) -> Result<Cow<'de, str>, LoadError> {
    text::decode(bytes, encoding).ok_or_else(|| {
        let encoding = String::from_utf8_lossy(encoding).into_owned();
        LoadErrorKind::NotText { encoding }.into()
    })
}
