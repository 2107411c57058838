//! Walking over a value without loading it.

use super::{
    cursor::{Cursor, malformed},
    symbols::Span,
};
use crate::LoadError;

/// What takes part in a walk.
pub(super) trait Walk<'de> {
    fn cursor(&mut self) -> &mut Cursor<'de>;

    /// A value begins.
    fn node(&mut self) -> Result<(), LoadError>;

    /// A symbol is next; takes it.
    fn symbol(&mut self) -> Result<Span, LoadError>;

    /// Values within a value follow.
    fn deeper(&mut self) -> Result<(), LoadError>;

    /// They have ended.
    fn shallower(&mut self);

    /// An object, which takes the next number. It begins at `start`, where `before` objects had
    /// been counted.
    fn open(&mut self, start: usize, before: usize) -> Result<usize, LoadError>;

    /// The object of that number has ended.
    fn close(&mut self, _object: usize) {}

    /// How many objects there have been.
    fn objects(&self) -> usize;

    /// A link to the object of that number.
    fn link(&mut self, _number: usize, _at: usize) -> Result<(), LoadError> {
        Ok(())
    }
}

/// Walks over the next value.
pub(super) fn walk<'de>(walker: &mut impl Walk<'de>) -> Result<(), LoadError> {
    let start = walker.cursor().pos;
    let before = walker.objects();
    let mut ivars = false;
    walker.node()?;
    let kind = loop {
        let at = walker.cursor().pos;
        match walker.cursor().byte()? {
            b'I' if ivars => return Err(malformed(at, "instance variables twice")),
            // A symbol with an encoding begins so, too.
            b'I' if walker.cursor().peek() == Some(b':') => {
                walker.cursor().pos = at;
                walker.symbol()?;
                return Ok(());
            }
            b'I' => ivars = true,
            b'e' | b'C' => {
                walker.symbol()?;
            }
            kind => break kind,
        }
    };
    match kind {
        b'0' | b'T' | b'F' => {}
        b'i' => {
            walker.cursor().long()?;
        }
        b':' | b';' => {
            walker.cursor().pos -= 1;
            walker.symbol()?;
        }
        b'@' => {
            let at = walker.cursor().pos;
            let number = walker.cursor().len()?;
            walker.link(number, at)?;
        }
        // Its number comes after those of its instance variables.
        b'u' => {
            walker.symbol()?;
            walker.cursor().sized()?;
            if ivars {
                walk_pairs(walker)?;
            }
            let object = walker.open(start, before)?;
            walker.close(object);
            return Ok(());
        }
        _ => {
            let object = walker.open(start, before)?;
            walk_body(walker, kind)?;
            if ivars {
                walk_pairs(walker)?;
            }
            walker.close(object);
            return Ok(());
        }
    }
    if ivars { walk_pairs(walker) } else { Ok(()) }
}

/// What follows the type of an object.
fn walk_body<'de>(walker: &mut impl Walk<'de>, kind: u8) -> Result<(), LoadError> {
    let at = walker.cursor().pos;
    match kind {
        b'"' | b'f' | b'c' | b'm' | b'M' => {
            walker.cursor().sized()?;
            Ok(())
        }
        b'l' => {
            walker.cursor().byte()?;
            let words = walker.cursor().len()?;
            walker.cursor().take(words.saturating_mul(2))?;
            Ok(())
        }
        b'/' => {
            walker.cursor().sized()?;
            walker.cursor().byte()?;
            Ok(())
        }
        b'[' => {
            let count = walker.cursor().count(1)?;
            walk_values(walker, count)
        }
        b'{' | b'}' => {
            let count = walker.cursor().count(2)?;
            walk_values(walker, count * 2 + usize::from(kind == b'}'))
        }
        b'o' | b'S' => {
            walker.symbol()?;
            walk_pairs(walker)
        }
        b'U' | b'd' => {
            walker.symbol()?;
            walk_values(walker, 1)
        }
        _ => Err(malformed(at.saturating_sub(1), "no type of Marshal's")),
    }
}

fn walk_values<'de>(walker: &mut impl Walk<'de>, count: usize) -> Result<(), LoadError> {
    walker.deeper()?;
    for _ in 0..count {
        walk(walker)?;
    }
    walker.shallower();
    Ok(())
}

/// Symbols with values: fields and instance variables.
pub(super) fn walk_pairs<'de>(walker: &mut impl Walk<'de>) -> Result<(), LoadError> {
    let count = walker.cursor().count(2)?;
    walker.deeper()?;
    for _ in 0..count {
        walker.symbol()?;
        walk(walker)?;
    }
    walker.shallower();
    Ok(())
}
