//! From a method's name to the method: what `#[drb::service]` makes, and what calls it.

mod args;
mod builtin;
mod incoming;
mod invoke;
mod reply;
mod rest;
mod running;
mod service;

pub use args::{Args, Keywords};
pub use incoming::{Incoming, Invoked};
pub use invoke::export;
pub use reply::{Completed, Reply};
pub use rest::{KeywordRest, Rest};
pub use running::{Blocking, Running, call};
pub use service::{
    Dispatch, Implements, IntoObject, Method, MethodInfo, ParamInfo, ParamKind, Proxy, Service,
};
