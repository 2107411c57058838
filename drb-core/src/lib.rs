//! The heart of drb: values, wires, the object table and dispatch.
//!
//! Nothing here does I/O, reads a clock, or knows an async runtime: bytes and `now` come in, bytes
//! and events go out. The crate `drb` puts sockets around it; programs depend on that one.

mod acl;
mod arg;
mod block;
mod budget;
mod buffer;
mod by_ref;
mod call;
mod closed;
mod context;
mod current;
pub mod dispatch;
mod dump;
mod error;
mod exclusive;
mod given;
mod identity;
mod impls;
mod limits;
mod load;
mod marshal;
pub mod native;
mod objects;
mod reference;
mod relay;
mod request;
mod response;
mod returns;
pub mod ruby;
#[cfg(feature = "serde")]
mod serde;
mod shape;
mod stream;
mod text;
mod unresolved;
mod uri;
pub mod value;
mod wakers;

pub use acl::{Acl, AclError, AclOrder};
pub use arg::{Arg, LoadRef};
pub use block::{Block, NoBlock, Yield, Yielding, Yields};
pub use budget::Budget;
pub use by_ref::{ByRef, Either, by_ref};
pub use call::{Call, Carried, Link, Outgoing, Remote};
pub use closed::{Closed, Closing};
pub use context::{Context, Peer, Wire};
pub use current::{Current, Entered};
pub use dispatch::{Cell, Implements, IntoFront, IntoObject, Proxy, Served, Service};
pub use dump::{Dump, Dumper};
pub use error::{
    Apart, CallError, DumpError, Error, Exception, LoadError, LoadErrorKind, MethodError, Outcome,
    TlsProblem,
};
pub use exclusive::Exclusive;
pub use given::Given;
pub use identity::{Identity, TlsIdentity};
pub use limits::{Limit, Limits};
pub use load::{Fields, Kind, Load, Loader};
pub use objects::{Exported, Holder, Objects, Term, Total};
pub use reference::{ObjectId, Reference, Session};
pub use relay::{OneRelay, Relay};
pub use request::Request;
pub use response::{Carrier, Response};
pub use returns::{Arrival, Loaded, Outbound, Pipelined, Returns};
#[cfg(feature = "serde")]
pub use serde::Serde;
pub use shape::{Field, Form, Shape};
pub use stream::Stream;
pub use uri::{Address, Uri};
pub use value::{Symbol, Value};
pub use wakers::Wakers;
