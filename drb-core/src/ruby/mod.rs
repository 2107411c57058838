//! Ruby's wire, `druby://`: its framing and its messages, without sockets.
//!
//! A [`RequestReader`] and a [`ReplyReader`] look at the bytes that have arrived so far, in whatever
//! pieces they came, and say when a message is whole; nothing is copied. [`Receiver`] calls what
//! a request asks for.

pub mod frame;
pub mod reply;
pub mod request;
mod scan;
mod serve;

pub use reply::{ReplyHead, ReplyReader};
pub use request::{Broken, RequestHead, RequestReader};
pub use serve::Receiver;
