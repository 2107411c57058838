//! The native wire, `drb://`: its values and its messages, without sockets.
//!
//! `docs/native.md` describes it for those who build it again.

mod buffered;
mod call;
mod calls;
mod closing;
mod connection;
mod exports;
mod ext;
mod frame;
mod head;
mod hello;
mod idle;
mod imports;
mod inbox;
mod manners;
mod outbox;
mod places;
mod promised;
mod promises;
mod protocol;
mod read_reference;
mod read_typed;
mod read_value;
mod reader;
mod scan;
mod sender;
mod sending;
mod serve;
mod tables;
mod tail;
mod window;
mod within;
mod write_batch;
mod write_value;
mod writer;

pub use buffered::Buffered;
pub use call::{Asking, Held, Method, Waiting};
pub use calls::{Arrived, Ending};
pub use closing::{Gone, connections, revoke};
pub use connection::{Connection, Home, Outlet, Stage, relay};
pub(crate) use promised::Promised;
pub use promised::pipeline;
pub use protocol::{Called, Calling, PREAMBLE, Protocol, Received, Target};
pub use read_reference::Mentioned;
pub(crate) use reader::Reader;
pub(crate) use sending::Collected;
pub use sending::Sending;
pub(crate) use tables::PeerShape;
pub use tables::Tables;
pub use tail::{BEHIND, Piece, Tail};
pub use within::Within;
pub(crate) use writer::Writer;
