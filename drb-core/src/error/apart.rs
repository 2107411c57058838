//! Two sides that were built apart: what each knows of the same method, or of the same struct.

use super::{Error, Exception};
use std::fmt;

/// What both sides of a call know of a method, or of a struct, where that differs.
///
/// A call that is refused for it says so: see [`Error::apart`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// What whoever has read it knows: `inc(key: &str, by: u64) -> u64`, or `Entry { key, hits }`.
    pub expected: String,
    /// What whoever has sent it knows.
    pub found: String,
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found } = self;
        write!(f, "expected `{expected}`, got `{found}`; the two sides were built apart")
    }
}

/// The fields of an exception in which it travels.
const EXPECTED: &str = "expected";
const FOUND: &str = "found";

impl Exception {
    pub(crate) fn with_apart(self, apart: &Apart) -> Self {
        self.with(EXPECTED, apart.expected.as_str()).with(FOUND, apart.found.as_str())
    }

    /// What the two sides know differently, if the call was refused for that.
    pub fn apart(&self) -> Option<Apart> {
        let text = |name| self.refused.then(|| self.text(name)).flatten().map(str::to_owned);
        Some(Apart { expected: text(EXPECTED)?, found: text(FOUND)? })
    }
}

impl Error {
    /// What the two sides know differently of the method or of a struct that it takes or gives, if the call
    /// has failed for that. Over the native wire, a proxy tells what it knows; other callers don't.
    ///
    /// ```
    /// use drb_core::Error;
    ///
    /// fn explain(error: &Error) -> String {
    ///     match error.apart() {
    ///         Some(apart) => format!("build both anew: {} is now {}", apart.found, apart.expected),
    ///         None => error.to_string(),
    ///     }
    /// }
    /// # assert_eq!(explain(&Error::Stopped), "stopped");
    /// ```
    pub fn apart(&self) -> Option<Apart> {
        match self {
            Self::Load(error) => error.apart().cloned(),
            error => error.exception()?.apart(),
        }
    }
}
