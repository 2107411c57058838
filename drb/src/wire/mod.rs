//! The native wire over sockets.

mod driver;
mod home;
mod progress;
mod route;
mod running;
mod serving;
mod usage;

pub(crate) use driver::{Driver, is_tls, spoken};
pub(crate) use home::ServerHome;
pub(crate) use route::NativeRoute;
pub(crate) use serving::Serving;
pub(crate) use usage::Connections;
pub use usage::Usage;
