//! What can go wrong, one type for each of those who can do something about it.

mod apart;
mod call;
mod codec;
mod exception;
mod tls;
mod travel;
mod unresolved;

pub use apart::Apart;
pub use call::{CallError, Error, Outcome};
pub use codec::{DumpError, LoadError, LoadErrorKind};
pub use exception::{Exception, MethodError};
pub use tls::TlsProblem;
