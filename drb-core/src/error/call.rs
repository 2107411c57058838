//! What the caller of a remote method can be told.

use crate::{AclError, DumpError, Exception, Limit, LoadError, TlsProblem};
use std::{fmt, sync::Arc, time::Duration};

/// Why a call failed, as far as the framework can say it: everything but the method's own error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an address that drb understands.
    #[error("bad URI `{uri}`: {problem}")]
    BadUri {
        /// The text.
        uri: String,
        /// What to change.
        problem: &'static str,
    },
    /// The process at the address cannot be reached.
    #[error("cannot connect to {uri}: {source}")]
    Connect {
        /// The address.
        uri: Arc<str>,
        /// What the system says.
        source: Arc<std::io::Error>,
    },
    /// The process at the address was reached, but a connection over TLS did not come about. No method
    /// has run.
    #[error("cannot connect to {uri}: {problem}")]
    Tls {
        /// The address.
        uri: Arc<str>,
        /// What to change.
        problem: TlsProblem,
    },
    /// A server cannot listen there.
    #[error("cannot listen on {uri}: {source}")]
    Listen {
        /// The address.
        uri: Arc<str>,
        /// What the system says.
        source: Arc<std::io::Error>,
    },
    /// The access control list cannot be used on this machine.
    #[error(transparent)]
    Acl(#[from] AclError),
    /// Listening there would let others than this machine's users in, and nothing says that this
    /// is wanted.
    #[error(
        "{uri} can be reached from other machines: give the server an ACL \
         (`.acl(Acl::new(…))`), require certificates of its clients, or say `.allow_everyone()` \
         if that is what you want"
    )]
    Exposed {
        /// The address.
        uri: Arc<str>,
    },
    /// An argument cannot go onto the wire.
    #[error("argument cannot be sent: {0}")]
    Dump(#[from] DumpError),
    /// The connection was lost; see [`Error::outcome`] for whether the method can have run.
    #[error("connection to {uri} lost ({outcome}): {source}")]
    ConnectionLost {
        /// The address.
        uri: Arc<str>,
        /// Whether the method can have run.
        outcome: Outcome,
        /// What the system says.
        source: Arc<std::io::Error>,
    },
    /// The call's deadline has passed.
    #[error("no result within {after:?} ({outcome})")]
    DeadlineExceeded {
        /// How long the call was given.
        after: Duration,
        /// Whether the method can have run.
        outcome: Outcome,
    },
    /// The object has no such method, or doesn't expose it. (A Ruby peer may also have come upon a
    /// missing method within the one that was called; it doesn't say which.)
    #[error("{0}")]
    NoMethod(Box<Exception>),
    /// The object is gone, or was never there.
    #[error("the object is gone: {0}")]
    Gone(Box<Exception>),
    /// The peer has refused the call before the method ran: the number of arguments, a keyword, a
    /// type.
    #[error("refused: {0}")]
    Refused(Box<Exception>),
    /// A bound of the peer was exceeded.
    #[error("the limit `{limit}` is exceeded: {exception}")]
    Limit {
        /// Which bound.
        limit: Limit,
        /// What the peer says.
        exception: Box<Exception>,
    },
    /// The peer has more to do than it accepts.
    #[error("the peer is overloaded: {message}")]
    Overloaded {
        /// What the peer says.
        message: String,
    },
    /// The object to be called was to be given by an earlier call ([`Call::pipelined`]), which has failed or
    /// has given no object. The method has not run.
    ///
    /// [`Call::pipelined`]: crate::Call::pipelined
    #[error("there is no object to call, because of an earlier call: {cause}")]
    Unresolved {
        /// Why there is none. The earlier method's own error `E` is an [exception](Error::exception)
        /// here, of which [`E::rescue`](crate::MethodError::rescue) makes an `E` again.
        cause: Box<Self>,
    },
    /// The method raised an exception that is not of the error type that it declares.
    #[error("{0}")]
    Raised(Box<Exception>),
    /// The method has panicked.
    #[error("the method panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The result cannot be loaded as the type that the method declares.
    #[error("result: {0}")]
    Load(LoadError),
    /// The peer doesn't follow the protocol.
    #[error("{uri} broke the protocol: {problem}")]
    Protocol {
        /// The address.
        uri: Arc<str>,
        /// What it did.
        problem: String,
    },
    /// A block was called after the call that it was passed to has ended.
    #[error("a block lives as long as the call that it was passed to, which has ended")]
    BlockEnded,
    /// The server or client that the call belongs to has been stopped.
    #[error("stopped")]
    Stopped,
}

/// Whether a failed call's method has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has not run and will not. Calling again is safe.
    NotExecuted,
    /// It has run.
    Executed,
    /// It may have run.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExecuted => "the method has not run",
            Self::Executed => "the method has run",
            Self::Unknown => "the method may have run",
        })
    }
}

impl Error {
    /// What it is that the process at `uri` cannot be connected to because of `error`.
    pub fn connecting(uri: &Arc<str>, error: std::io::Error) -> Self {
        let uri = Arc::clone(uri);
        match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsProblem>()) {
            Some(problem) => Self::Tls { uri, problem: problem.clone() },
            None => Self::Connect { uri, source: Arc::new(error) },
        }
    }

    /// Whether the method has run, as far as anybody can know.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::BadUri { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Listen { .. }
            | Self::Acl(_)
            | Self::Exposed { .. }
            | Self::Dump(_)
            | Self::Overloaded { .. }
            | Self::BlockEnded
            | Self::Unresolved { .. }
            | Self::Stopped => Outcome::NotExecuted,
            Self::ConnectionLost { outcome, .. } | Self::DeadlineExceeded { outcome, .. } => {
                *outcome
            }
            Self::NoMethod(exception)
            | Self::Gone(exception)
            | Self::Refused(exception)
            | Self::Limit { exception, .. }
            | Self::Raised(exception) => exception.outcome(),
            Self::Panicked { .. } | Self::Load(_) => Outcome::Executed,
            Self::Protocol { .. } => Outcome::Unknown,
        }
    }

    /// The exception that the peer has answered with, if that is what the error is.
    pub fn exception(&self) -> Option<&Exception> {
        match self {
            Self::NoMethod(exception)
            | Self::Gone(exception)
            | Self::Refused(exception)
            | Self::Limit { exception, .. }
            | Self::Raised(exception) => Some(exception),
            _ => None,
        }
    }

    /// What a caller is told for an exception that is not of the method's own error type.
    pub fn from_exception(exception: impl Into<Box<Exception>>) -> Self {
        let exception: Box<Exception> = exception.into();
        let limit = exception.text("limit").and_then(Limit::from_name);
        match (&*exception.class, limit) {
            ("DRb::DRbConnError", None) if exception.is_unresolved() => {
                let cause = exception.cause().unwrap_or(*exception);
                Self::Unresolved { cause: Box::new(Self::from_exception(cause)) }
            }
            ("DRb::DRbConnError", Some(Limit::Calls | Limit::Outbound | Limit::PeerMemory)) => {
                Self::Overloaded { message: exception.message }
            }
            ("DRb::DRbConnError", Some(limit)) => Self::Limit { limit, exception },
            ("NoMethodError", _) => Self::NoMethod(exception),
            ("RangeError", _) if exception.is_gone() => Self::Gone(exception),
            ("DRb::DRbRemoteError", _) if exception.text("reason") == Some("Panic") => {
                let message = exception.message;
                let message = message.strip_suffix(" (Panic)").unwrap_or(&message).to_owned();
                Self::Panicked { message }
            }
            _ if exception.refused => Self::Refused(exception),
            _ => Self::Raised(exception),
        }
    }

    /// The error in the form in which it travels on, where a method passes it to its caller.
    pub(crate) fn into_exception(self) -> Exception {
        match self {
            Self::NoMethod(exception)
            | Self::Gone(exception)
            | Self::Refused(exception)
            | Self::Limit { exception, .. }
            | Self::Raised(exception) => *exception,
            Self::Unresolved { cause } => Exception::unresolved(cause.into_exception()),
            Self::DeadlineExceeded { .. } => Exception::new("Timeout::Error", self.to_string()),
            Self::Dump(_) | Self::Load(_) => Exception::new("TypeError", self.to_string()),
            Self::BadUri { .. } => Exception::new("DRb::DRbBadURI", self.to_string()),
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Listen { .. }
            | Self::ConnectionLost { .. }
            | Self::Protocol { .. }
            | Self::Overloaded { .. }
            | Self::Stopped => Exception::new("DRb::DRbConnError", self.to_string()),
            Self::BlockEnded => Exception::new("LocalJumpError", self.to_string()),
            Self::Acl(_) | Self::Exposed { .. } => {
                Exception::new("SecurityError", self.to_string())
            }
            Self::Panicked { ref message } => Exception::remote("Panic", message),
        }
    }
}

/// The error of a call of a method that has an error of its own.
///
/// ```
/// use drb_core::{CallError, Error};
///
/// fn explain(error: CallError<String>) -> String {
///     match error {
///         CallError::Method(own) => format!("the method says: {own}"),
///         CallError::Drb(Error::DeadlineExceeded { .. }) => "too slow".to_owned(),
///         CallError::Drb(other) => format!("it couldn't be called: {other}"),
///     }
/// }
/// # assert_eq!(explain(CallError::Method("no".into())), "the method says: no");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum CallError<E> {
    /// The method's own error.
    Method(E),
    /// Everything else.
    Drb(Error),
}

impl<E> CallError<E> {
    /// Whether the method has run, as far as anybody can know.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Method(_) => Outcome::Executed,
            Self::Drb(error) => error.outcome(),
        }
    }
}

impl<E> From<Error> for CallError<E> {
    fn from(error: Error) -> Self {
        Self::Drb(error)
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(error) => error.fmt(f),
            Self::Drb(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for CallError<E> {}

/// By what they say: an error of the system has no equality of its own.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.to_string() == other.to_string()
    }
}
