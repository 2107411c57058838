//! Calls that are not made because there is no object: an earlier call was to give it, and hasn't.

use super::{Error, Exception};
use crate::Value;

/// The field that says so, and the one that says why.
const UNRESOLVED: &str = "unresolved";
const CAUSE: &str = "cause";

impl Exception {
    /// What a call is refused with whose object was to be given by one that has ended with `cause`.
    pub(crate) fn unresolved(cause: Self) -> Self {
        // Through however many calls, what matters is the first one.
        if cause.is_unresolved() {
            return cause;
        }
        let message = format!("there is no object to call, because of an earlier call: {cause}");
        let mut exception = Self::new("DRb::DRbConnError", message).with(UNRESOLVED, true);
        if let Ok(cause) = Value::from_dump(&cause) {
            exception = exception.with(CAUSE, cause);
        }
        exception.refused = true;
        exception
    }

    pub(super) fn is_unresolved(&self) -> bool {
        self.refused && self.field(UNRESOLVED) == Some(&Value::Bool(true))
    }

    /// The exception with which the earlier call has ended.
    pub(super) fn cause(&self) -> Option<Self> {
        self.field(CAUSE).map(Self::from_value)
    }
}

impl Error {
    /// The error of a call whose object was to be given by one that has ended with `cause`.
    #[doc(hidden)]
    pub fn unresolved(cause: Self) -> Self {
        match cause {
            Self::Unresolved { .. } => cause,
            cause => Self::Unresolved { cause: Box::new(cause) },
        }
    }
}
