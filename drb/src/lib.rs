//! Distributed Ruby's object model for Rust: remote objects, by value and by reference, between Rust
//! programs and with Ruby's.
//!
//! ```
//! use drb::prelude::*;
//! use std::sync::Mutex;
//!
//! #[derive(Debug, Clone, PartialEq, DrbDumped)] // crosses by value
//! struct Note {
//!     text: String,
//!     stars: u8,
//! }
//!
//! #[derive(Default, DrbUndumped)] // crosses by reference
//! struct Board {
//!     notes: Mutex<Vec<Note>>,
//! }
//!
//! #[drb::service] // what is `pub` here is the whole whitelist
//! impl Board {
//!     pub fn pin(&self, note: Note) -> usize {
//!         let mut notes = self.notes.lock().unwrap();
//!         notes.push(note);
//!         notes.len()
//!     }
//!
//!     pub fn best(&self) -> Option<Note> {
//!         self.notes.lock().unwrap().iter().max_by_key(|note| note.stars).cloned()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> drb::Result<()> {
//! let server = drb::start_service("druby://localhost:0", Board::default()).await?;
//!
//! let board = BoardProxy::connect(server.uri()).await?; // from any process
//! let note = Note { text: "tea is ready".to_owned(), stars: 5 };
//! assert_eq!(board.pin(&note).await?, 1);
//! assert_eq!(board.best().await?, Some(note));
//! # Ok(())
//! # }
//! ```
//!
//! A Ruby program calls the same object with `DRbObject.new_with_uri(uri).best`, and an object of a
//! Ruby process is called through a proxy that `#[drb::service]` makes of a trait, or without a
//! contract through [`Object`].
//!
//! # What to look at
//!
//! - [`service`]: which methods can be called, and how they are called in Ruby.
//! - [`DrbDumped`](macro@DrbDumped), [`DrbUndumped`](macro@DrbUndumped), [`DrbError`](macro@DrbError):
//!   values, objects and errors. [`Value`] holds what has no type here.
//! - [`start_service`] and [`ServerBuilder`]; [`Client`], which most programs don't need.
//! - [`Error`] and [`CallError`]: why a call failed, and whether the method can have run.
//! - The module `tls` (feature `tls`): connections that nobody can read along or change.
//! - [`Limits`]: what a peer can make this process do. [`Acl`]: who may connect. [`Guard`]: who may call
//!   which object and method.

mod alarm;
mod client;
#[cfg(feature = "fire")]
pub mod fire;
mod guard;
mod later;
mod local;
mod macros;
mod net;
mod object;
mod server;
mod spin;
#[cfg(feature = "ssh")]
pub mod ssh;
mod timer;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_off.rs"]
mod tls;
mod transport;
mod unix_socket;
mod users;
mod wait;
mod wire;

pub use client::{Client, ClientBuilder};
pub use drb_core::*;
pub use guard::{Guard, Guarded};
pub use local::local;
pub use macros::{DrbDumped, DrbError, DrbUndumped, service};
pub use object::{Argument, Arguments, Keywords, Object, keywords};
pub use server::{
    Counters, FailedCall, FireProblem, IntoUri, Refusal, Server, ServerBuilder, current_server,
    start_service,
};
#[cfg(feature = "tls-dev")]
pub use tls::dev_certificates;
pub use transport::Transport;
pub use wire::Usage;

/// A result of a call that has no error of its own.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What most programs use by its bare name: `use drb::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Block, Call, CallError, Context, DrbDumped, DrbError, DrbUndumped, Dump, Load, Proxy,
    };
}

/// The README's program.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// The programs in the other documents.
#[cfg(doctest)]
#[doc = include_str!("../../docs/ruby.md")]
#[doc = include_str!("../../docs/limits.md")]
#[doc = include_str!("../../docs/security.md")]
mod documents {}

/// The program in the document about TLS.
#[cfg(all(doctest, feature = "tls"))]
#[doc = include_str!("../../docs/tls.md")]
mod about_tls {}

/// The programs in the document about drbfire.
#[cfg(all(doctest, feature = "fire"))]
#[doc = include_str!("../../docs/fire.md")]
mod about_fire {}

/// The programs in the document about SSH.
#[cfg(all(doctest, feature = "ssh"))]
#[doc = include_str!("../../docs/ssh.md")]
mod about_ssh {}

/// What generated code names.
#[doc(hidden)]
pub mod __private {
    use crate::{Client, Error};

    pub use drb_core::dispatch::*;

    /// The proxy of the object at a URI, with a client of its own.
    pub async fn connect<P: Proxy>(uri: &str) -> Result<P, Error> {
        Client::current().connect(uri).await
    }
}
