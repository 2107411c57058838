//! Ruby's drbfire: clients that nobody can connect to are called back all the same.
//!
//! Whoever is to be called behind a firewall opens a *control connection* to a server elsewhere, and gets a number
//! there. When the server wants to call it, it says so there with one byte, and the client opens a further
//! connection, on which the server then sends its calls.
//!
//! A server starts at `drbfire://`, and knows of nothing else:
//!
//! ```
//! # use drb::prelude::*;
//! struct Clock;
//!
//! #[drb::service]
//! impl Clock {
//!     pub async fn tick(&self, times: u32, block: Block<(u32,)>) -> drb::Result<()> {
//!         for time in 0..times {
//!             block.call((time,)).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> drb::Result<()> {
//! let server = drb::start_service("drbfire://localhost:0", Clock).await?;
//!
//! // In a process that nobody can connect to: blocks and objects are called through the same server.
//! let _back = drb::Server::builder().start_behind(server.uri()).await?;
//! let clock = ClockProxy::connect(server.uri()).await?;
//! let mut ticks = 0;
//! clock.tick(3, |_| ticks += 1).await?;
//! assert_eq!(ticks, 3);
//! # Ok(())
//! # }
//! ```
//!
//! Between Rust processes the native wire (`drb://`) does the same with nothing at all. This is for Ruby at the
//! other end.

mod behind;
mod control;
mod error;
mod numbers;
mod ways;

pub(crate) use behind::Behind;
pub(crate) use control::control;
pub use error::Error;
pub(crate) use ways::{Claim, claim, way_back};

use crate::{Client, net::Stream, transport, wire::CALLS};
use drb_core::Uri;
use std::io;
use tokio::io::AsyncWriteExt;

/// What the server sends over the control connection for each connection that it wants.
const WANTED: u8 = b'0';

/// Connects to a server, or back to a client of one in this process.
pub(crate) async fn connect(to: &Uri, client: &Client) -> io::Result<Stream> {
    match &to.option {
        Some(number) => ways::connect(number).await,
        None => open(to, client, &[CALLS]).await,
    }
}

/// Connects to a server and says what for.
async fn open(to: &Uri, client: &Client, purpose: &[u8]) -> io::Result<Stream> {
    let mut stream = transport::dial(to, client).await?;
    stream.write_all(purpose).await?;
    stream.flush().await?;
    Ok(stream)
}
