//! Distributed Ruby's object model for Rust.

pub use drb_core::*;

/// What generated code names.
#[doc(hidden)]
pub mod __private {
    pub use drb_core::dispatch::*;
}
