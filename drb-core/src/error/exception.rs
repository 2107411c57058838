//! Errors that methods raise, in the form in which they travel.

use crate::{CallError, DumpError, Error, LoadError, Outcome, Value, error::LoadErrorKind};
use std::{borrow::Cow, collections::BTreeSet, fmt};

/// An error as it travels: an exception of Ruby's, or the error of a method of ours.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exception {
    /// Ruby's name of the class, such as `ArgumentError`.
    pub class: Cow<'static, str>,
    /// The message.
    pub message: String,
    /// Where it was raised, innermost first. Ours are empty: nobody is told about our insides.
    pub backtrace: Vec<String>,
    /// What else it holds, by name (Ruby: instance variables, without the `@`; also what Ruby's own
    /// classes keep without one, such as the `key` of a `KeyError`, and the `cause`).
    pub fields: Vec<(Cow<'static, str>, Value)>,
    /// Names of fields that came without an `@`, of a class of which that isn't known.
    /// Rare, and errors are small: so behind a pointer.
    #[allow(clippy::box_collection)]
    pub(super) bare: Option<Box<BTreeSet<String>>>,
    /// Whether the method was not run because of it. Only drb's own servers say so: on the wire it
    /// is an instance variable that Ruby doesn't look at.
    pub refused: bool,
}

impl Exception {
    /// An exception of a class with a message.
    ///
    /// ```
    /// let stop = drb_core::Exception::new("StopIteration", "the end");
    /// assert_eq!(stop.to_string(), "the end (StopIteration)");
    /// ```
    #[cold]
    pub fn new(class: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            class: class.into(),
            message: message.into(),
            backtrace: Vec::new(),
            fields: Vec::new(),
            bare: None,
            refused: false,
        }
    }

    /// The same with a field (Ruby: an instance variable).
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// `DRb::DRbRemoteError`, which every Ruby can load whatever the error was: its reason is the
    /// name of the error, its message ends in that name.
    pub fn remote(reason: &str, message: impl fmt::Display) -> Self {
        Self::new("DRb::DRbRemoteError", format!("{message} ({reason})")).with("reason", reason)
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// Whether the method has run. Ruby says the same of a call that it has not made and of a
    /// mistake in the method, where the class is one that its drb raises itself.
    pub fn outcome(&self) -> Outcome {
        match &*self.class {
            _ if self.refused => Outcome::NotExecuted,
            // Only a server of ours says which, and it says as well what it has refused.
            "DRb::DRbConnError" if self.text("limit").is_some() => Outcome::Executed,
            "NoMethodError" | "ArgumentError" | "RangeError" | "TypeError" | "SecurityError"
            | "DRb::DRbConnError" => Outcome::Unknown,
            _ => Outcome::Executed,
        }
    }

    /// The same, or one with a shorter message if it is longer than `max` bytes.
    pub(crate) fn cut(&self, max: usize) -> Cow<'_, Self> {
        if self.message.len() <= max {
            return Cow::Borrowed(self);
        }
        let mut cut = self.clone();
        cut.message.truncate(self.message.floor_char_boundary(max));
        Cow::Owned(cut)
    }

    /// What Ruby's drb says of a reference to an object that it doesn't have.
    pub(crate) const INVALID_REFERENCE: &str = "invalid reference";

    /// Whether it is what is said of a reference to an object that is no longer there.
    pub(crate) fn is_gone(&self) -> bool {
        // The last two come from older Rubies.
        self.message == Self::INVALID_REFERENCE
            || self.message == crate::block::BLOCK_ENDED
            || self.message.ends_with("is recycled object")
            || self.message.ends_with("is not id value")
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.class)
    }
}

impl std::error::Error for Exception {}

/// Arguments that don't fit are refused as Ruby refuses them.
impl From<&LoadError> for Exception {
    fn from(error: &LoadError) -> Self {
        let class = match error.kind() {
            LoadErrorKind::Arity { .. }
            | LoadErrorKind::MissingKeyword { .. }
            | LoadErrorKind::UnknownKeyword { .. }
            | LoadErrorKind::MissingField { .. }
            | LoadErrorKind::UnknownVariant { .. }
            | LoadErrorKind::Custom(_) => "ArgumentError",
            LoadErrorKind::NoBlock => "LocalJumpError",
            LoadErrorKind::OutOfRange { .. } => "RangeError",
            LoadErrorKind::NotText { .. } => "EncodingError",
            LoadErrorKind::Limit { limit, .. } => {
                let exception = Self::new("DRb::DRbConnError", error.to_string());
                return exception.with("limit", limit.name());
            }
            _ => "TypeError",
        };
        let exception = Self::new(class, error.to_string());
        match error.apart() {
            Some(apart) => exception.with_apart(apart),
            None => exception,
        }
    }
}

/// A result that cannot go onto the wire becomes the failure of the call.
impl From<&DumpError> for Exception {
    fn from(error: &DumpError) -> Self {
        match error {
            DumpError::Limit { limit, .. } => {
                Self::new("DRb::DRbConnError", error.to_string()).with("limit", limit.name())
            }
            DumpError::NoServer { .. } => Self::new("DRb::DRbServerNotFound", error.to_string()),
            _ => Self::new("TypeError", error.to_string()),
        }
    }
}

/// The error type `E` of a method that returns `Result<T, E>`.
///
/// `#[derive(DrbError)]` makes it for an enum; it is implemented for `String`, for
/// `Box<dyn Error + Send + Sync>`, and for [`Error`] itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a remote method",
    label = "not an error that drb can carry",
    note = "for a type of yours, write `#[derive(DrbError)]`"
)]
pub trait MethodError: Sized + Send + 'static {
    /// The error that the caller of the proxy gets: [`CallError<Self>`](CallError) for an error of
    /// the method's own, [`Error`] where the method has none of its own.
    type Raised: From<Error> + Send + 'static;

    /// The error in the form in which it travels.
    fn raise(self) -> Exception;

    /// The error, if the exception is one of its; otherwise the exception back.
    ///
    /// # Errors
    /// The exception is none of this type.
    fn rescue(exception: Exception) -> Result<Self, Exception>;

    /// What the caller gets for an error that [`rescue`](MethodError::rescue) has made.
    fn raised(self) -> Self::Raised;
}

impl MethodError for String {
    type Raised = CallError<Self>;

    fn raise(self) -> Exception {
        Exception::new("RuntimeError", self)
    }

    fn rescue(exception: Exception) -> Result<Self, Exception> {
        if exception.class == "RuntimeError" { Ok(exception.message) } else { Err(exception) }
    }

    fn raised(self) -> CallError<Self> {
        CallError::Method(self)
    }
}

impl MethodError for Exception {
    type Raised = CallError<Self>;

    fn raise(self) -> Exception {
        self
    }

    fn rescue(exception: Exception) -> Result<Self, Exception> {
        Ok(exception)
    }

    fn raised(self) -> CallError<Self> {
        CallError::Method(self)
    }
}

impl MethodError for Box<dyn std::error::Error + Send + Sync> {
    type Raised = CallError<Self>;

    fn raise(self) -> Exception {
        match self.downcast::<Exception>() {
            Ok(exception) => *exception,
            Err(error) => Exception::new("RuntimeError", error.to_string()),
        }
    }

    fn rescue(exception: Exception) -> Result<Self, Exception> {
        Ok(Box::new(exception))
    }

    fn raised(self) -> CallError<Self> {
        CallError::Method(self)
    }
}

impl MethodError for Error {
    type Raised = Self;

    fn raise(self) -> Exception {
        self.into_exception()
    }

    fn rescue(exception: Exception) -> Result<Self, Exception> {
        Err(exception)
    }

    fn raised(self) -> Self {
        self
    }
}
