//! SSH: calls to objects behind an SSH server, and tunnels as `ssh -L … -R …` digs them.
//!
//! A [`Session`] is one SSH connection. Over it a client reaches whatever the host at its other end reaches:
//!
//! ```no_run
//! use drb::{Client, Object, Server, ssh::Session};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let session = Session::builder().user("deploy").connect("far.example").await?;
//!
//! // Each address is dialled from far.example. Calls to a Rust process bring their callbacks with them.
//! let client = Client::builder().through(&session).build();
//! let till: Object = client.connect("drb://localhost:9000").await?;
//!
//! // Ruby calls back over a connection of its own: far.example listens for it.
//! let listener = session.listen("localhost:0").await?;
//! let server = Server::builder().client(client.clone()).start_without_listener(&listener.uri())?;
//! let _back = listener.serve(&server);
//! let ruby: Object = client.connect("druby://localhost:9001").await?;
//! # Ok(())
//! # }
//! ```
//!
//! With a URI alone a client makes the session itself, one for all objects behind a server: the native wire at
//! `drb+ssh://user@host:port/place`, where the place is one as seen from the server. What it makes them with,
//! [`ClientBuilder::ssh`](crate::ClientBuilder::ssh) says.
//!
//! ```no_run
//! # async fn example() -> drb::Result<()> {
//! let till = drb::Object::connect("drb+ssh://deploy@far.example/localhost:9000").await?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Tunnel`] is for programs that know nothing of this: it copies between a socket here and one there.
//!
//! Host keys are checked against `known_hosts`, and a host that isn't known is an [`Error`] that names the line
//! to add. RSA keys serve only from an agent: nobody has published an implementation in Rust that doesn't leak
//! them by its timing.

mod auth;
mod builder;
mod channel;
mod connect;
mod error;
mod far;
mod known_hosts;
mod listener;
mod place;
mod requests;
mod session;
mod sessions;
mod tunnel;

pub use builder::SessionBuilder;
pub use channel::Channel;
pub use error::{Error, Refusal};
pub use listener::Listener;
pub use session::Session;
pub(crate) use sessions::Sessions;
pub use tunnel::Tunnel;
