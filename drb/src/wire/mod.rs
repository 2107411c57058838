//! The native wire over sockets.

mod driver;
mod home;
mod route;
mod running;
mod serving;

pub(crate) use driver::{Driver, greets};
pub(crate) use home::ServerHome;
pub(crate) use route::NativeRoute;
pub(crate) use serving::Serving;
