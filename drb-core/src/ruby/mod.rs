//! Ruby's wire, `druby://`: its framing and its messages, without sockets.

pub mod frame;
pub mod request;
