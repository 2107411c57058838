//! From a method's name to the method: what `#[drb::service]` makes, and what calls it.

mod args;
mod incoming;
mod invoke;
mod rest;
mod service;

pub use args::{Args, Keywords};
pub use incoming::{Completed, Incoming, Invoked, Reply};
pub use invoke::export;
pub use rest::{KeywordRest, Rest};
pub use service::{Dispatch, Implements, Method, MethodInfo, ParamInfo, ParamKind, Proxy, Service};
