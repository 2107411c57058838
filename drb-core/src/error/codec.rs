//! Errors of dumping and loading.

use crate::{Apart, Limit};
use std::{borrow::Cow, fmt};

/// Why a value cannot go onto a wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// A bound of [`Limits`](crate::Limits) is exceeded.
    #[error("the value exceeds the limit `{limit}` of {max}; `Limits::{limit}` raises it")]
    Limit {
        /// Which bound.
        limit: Limit,
        /// What it allows.
        max: usize,
    },
    /// An object cannot go by reference because this process serves no address under which the
    /// peer could call it.
    #[error(
        "an object of {class} cannot go by reference because this process serves no address; \
         start a server with `drb::start_service` first"
    )]
    NoServer {
        /// The object's class.
        class: &'static str,
    },
    /// A value refers back to one that has been dropped.
    #[error("the value refers back to one that has been dropped")]
    Dangling,
    /// The value says itself that it cannot be dumped.
    #[error("{0}")]
    Custom(Cow<'static, str>),
}

impl DumpError {
    /// An error of a hand-written [`Dump`](crate::Dump).
    #[cold]
    pub fn custom(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Custom(message.into())
    }
}

/// Why what arrived is not the value that was expected, and where in it.
#[derive(Clone, PartialEq, Eq)]
pub struct LoadError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: LoadErrorKind,
    /// From the innermost place outwards.
    path: Vec<Place>,
    /// What it comes from.
    apart: Option<Apart>,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Name(Cow<'static, str>),
    Index(usize),
}

/// The kinds of [`LoadError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// Another kind of value is there.
    #[error("expected {expected}, got {found}")]
    Mismatch {
        /// What the type wants, such as `an integer`.
        expected: Cow<'static, str>,
        /// What there is, such as `a String`.
        found: Cow<'static, str>,
    },
    /// An integer doesn't fit the type.
    #[error("integer {value} doesn't fit {target}")]
    OutOfRange {
        /// The integer in decimal, or its size where it is very large.
        value: String,
        /// The type.
        target: &'static str,
    },
    /// A field is not there and has no default.
    #[error("missing field `{field}` of {class}")]
    MissingField {
        /// The field.
        field: &'static str,
        /// Ruby's name of the struct.
        class: &'static str,
    },
    /// A symbol names no variant of the enum.
    #[error("`{variant}` is no variant of {class}")]
    UnknownVariant {
        /// What arrived.
        variant: String,
        /// The enum.
        class: &'static str,
    },
    /// The number of arguments is wrong. The text is Ruby's.
    #[error("wrong number of arguments (given {given}, expected {expected})")]
    Arity {
        /// How many arrived.
        given: usize,
        /// How many are taken: `2`, `1..2`, or `1+`.
        expected: String,
    },
    /// A keyword that the method needs is not there. The text is Ruby's.
    #[error("missing keyword: :{name}")]
    MissingKeyword {
        /// The keyword.
        name: &'static str,
    },
    /// The method has no such keyword. The text is Ruby's.
    #[error("unknown keyword: :{name}")]
    UnknownKeyword {
        /// The keyword.
        name: String,
    },
    /// The method takes a block, and the caller has passed none. The text is Ruby's.
    #[error("no block given (yield)")]
    NoBlock,
    /// A bound of [`Limits`](crate::Limits) is exceeded.
    #[error("the message exceeds the limit `{limit}` of {max}")]
    Limit {
        /// Which bound.
        limit: Limit,
        /// What it allows.
        max: usize,
    },
    /// The bytes end within a value.
    #[error("the message ends within a value")]
    Truncated,
    /// The bytes are not what the wire prescribes.
    #[error("malformed at byte {offset}: {problem}")]
    Malformed {
        /// Where, from the start of the stream.
        offset: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The stream is of a version of Marshal's that is not read here (4.0 to 4.8 are). The text is
    /// Ruby's.
    #[error(
        "incompatible marshal file format (can't be read)\n\t\
         format version 4.8 required; {major}.{minor} given"
    )]
    Version {
        /// The first byte.
        major: u8,
        /// The second byte.
        minor: u8,
    },
    /// A text is not UTF-8 (after conversion from the encoding that it says it has).
    #[error("a text that is not UTF-8 (encoding {encoding})")]
    NotText {
        /// The encoding's name.
        encoding: String,
    },
    /// A reference cannot be used because there is no peer to call.
    #[error("a reference outside of a connection")]
    NoSession,
    /// The value says itself that it cannot be loaded.
    #[error("{0}")]
    Custom(Cow<'static, str>),
}

impl LoadError {
    /// An error of a hand-written [`Load`](crate::Load).
    #[cold]
    pub fn custom(message: impl Into<Cow<'static, str>>) -> Self {
        LoadErrorKind::Custom(message.into()).into()
    }

    /// The bytes end within a value. Made only where they do: a kind of error is large.
    #[cold]
    pub(crate) fn truncated() -> Self {
        LoadErrorKind::Truncated.into()
    }

    /// The same error, found within the field, argument or variant `name`.
    #[must_use]
    #[cold]
    pub fn within(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.path.push(Place::Name(name.into()));
        self
    }

    /// The same error, found within the element at `index`.
    #[must_use]
    #[cold]
    pub fn at(mut self, index: usize) -> Self {
        self.0.path.push(Place::Index(index));
        self
    }

    /// The same error, where an integer that doesn't fit was to be a `target`.
    #[cold]
    pub(crate) fn fitting(mut self, target: &'static str) -> Self {
        if let LoadErrorKind::OutOfRange { target: own, .. } = &mut self.0.kind {
            *own = target;
        }
        self
    }

    /// Whether it may come from what the two sides know differently, and it isn't known yet what that is.
    pub(crate) fn may_be_apart(&self) -> bool {
        let other = matches!(
            self.0.kind,
            LoadErrorKind::Limit { .. }
                | LoadErrorKind::Truncated
                | LoadErrorKind::Malformed { .. }
                | LoadErrorKind::Version { .. }
                | LoadErrorKind::NoSession
        );
        self.0.apart.is_none() && !other
    }

    /// The same error, which comes from what the two sides know differently.
    #[must_use]
    pub(crate) fn between(mut self, apart: Option<Apart>) -> Self {
        self.0.apart = apart;
        self
    }

    /// What the two sides know differently of the struct that the error is about, if it comes from that and
    /// the sender has told what it knows: over the native wire, it does.
    pub fn apart(&self) -> Option<&Apart> {
        self.0.apart.as_ref()
    }

    /// What went wrong.
    pub fn kind(&self) -> &LoadErrorKind {
        &self.0.kind
    }
}

impl From<LoadErrorKind> for LoadError {
    #[cold]
    fn from(kind: LoadErrorKind) -> Self {
        Self(Box::new(Inner { kind, path: Vec::new(), apart: None }))
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, place) in self.0.path.iter().rev().enumerate() {
            match place {
                Place::Name(name) if i == 0 => write!(f, "{name}")?,
                Place::Name(name) => write!(f, ".{name}")?,
                Place::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if !self.0.path.is_empty() {
            f.write_str(": ")?;
        }
        self.0.kind.fmt(f)?;
        match &self.0.apart {
            Some(apart) => write!(f, ": {apart}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadError({self})")
    }
}

impl std::error::Error for LoadError {}
