//! Symbols.

use super::Encoding;
use std::{borrow::Cow, fmt, sync::Arc};

/// A Ruby symbol. Cloning it is cheap.
///
/// As a parameter, a result or a field it travels as a symbol, where a `String` travels as a string.
///
/// ```
/// use drb_core::Symbol;
///
/// let counter = Symbol::from("counter");
/// assert_eq!(counter.as_str(), "counter");
/// assert_eq!(format!("{counter:?}"), ":counter");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(Arc<Name>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Name {
    bytes: Box<[u8]>,
    encoding: Encoding,
}

impl Symbol {
    /// A symbol of bytes in an encoding, which doesn't matter if they are ASCII.
    pub fn with_encoding(name: &[u8], encoding: Encoding) -> Self {
        let encoding = match encoding {
            _ if name.is_ascii() => Encoding::UsAscii,
            // What only claims to be ASCII.
            Encoding::UsAscii => Encoding::Binary,
            other => other,
        };
        Self(Arc::new(Name { bytes: name.into(), encoding }))
    }

    /// The name; empty if it is not UTF-8.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0.bytes).unwrap_or_default()
    }

    /// The name, whatever its encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The name's encoding; [`Encoding::UsAscii`] for all names of ASCII.
    pub fn encoding(&self) -> &Encoding {
        &self.0.encoding
    }

    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.bytes)
    }
}

impl From<&str> for Symbol {
    fn from(name: &str) -> Self {
        Self::with_encoding(name.as_bytes(), Encoding::Utf8)
    }
}

impl From<String> for Symbol {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl PartialEq<str> for Symbol {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Symbol {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

/// The name.
impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// As Ruby inspects it.
impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_text();
        if is_plain(&name) { write!(f, ":{name}") } else { write!(f, ":{name:?}") }
    }
}

/// Whether Ruby writes the symbol without quotes. (Operators are, too; they matter less.)
fn is_plain(name: &str) -> bool {
    let name = name.trim_start_matches('@');
    let body = name.strip_suffix(['?', '!', '=']).unwrap_or(name);
    body.chars().next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && body.chars().all(|c| c == '_' || c.is_alphanumeric())
}
