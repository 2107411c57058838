//! Distributed Ruby's object model for Rust.

mod client;
mod local;
mod net;
mod object;
mod server;
mod timer;
mod wait;

pub use client::{Client, ClientBuilder};
pub use drb_core::*;
pub use drb_macros::{DrbDumped, DrbError, DrbUndumped, service};
pub use object::{Argument, Arguments, Keywords, Object, keywords};
pub use server::{FailedCall, Server, ServerBuilder, start_service};

/// A result of a call that has no error of its own.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What most programs use by its bare name: `use drb::prelude::*;`.
pub mod prelude {
    pub use crate::{CallError, DrbDumped, DrbError, DrbUndumped};
}

/// What generated code names.
#[doc(hidden)]
pub mod __private {
    use crate::{Client, Error};

    pub use drb_core::dispatch::*;

    /// The proxy of the object at a URI, with a client of its own.
    pub async fn connect<P: Proxy>(uri: &str) -> Result<P, Error> {
        Client::new().connect(uri).await
    }
}
