//! From a method's name to the method: what `#[drb::service]` makes, and what calls it.

mod args;
mod assert;
mod builtin;
mod incoming;
mod invoke;
mod merge;
mod reply;
mod running;
mod service;
mod signature;
mod value;

pub use crate::block::{
    Answering, Anything, ByFlow, ByFuture, ByResult, ByValue, Driver, NoBlock, Takes, Whole,
    YieldArgs, Yielded,
};
pub use crate::stream::{Outlet, StreamReply};
pub use args::{Args, Keywords, OwnedArgs, ProcArgs};
pub use assert::{
    Answer, Argument, Member, RunsStream, StreamItem, service_is_shared_between_threads,
};
pub use incoming::{Incoming, Invoked};
pub use invoke::export;
pub use merge::{count, merge};
pub use reply::{Completed, Reply};
pub use running::{Blocking, Running};
pub(crate) use running::{call, caught, panic_of};
pub use service::{
    Cell, Class, Contract, Dispatch, Implements, IntoFront, IntoObject, Method, MethodInfo,
    ParamInfo, ParamKind, Proxy, Served, Service,
};
pub use signature::Signature;
pub use value::{
    apart, check_len, is_remote, missing, push, remote_message, unknown_variant, variant,
};
