//! The native wire over sockets.

mod driver;
mod driving;
mod going_on;
mod greeting;
mod home;
mod output;
mod progress;
mod route;
mod running;
mod serving;
mod usage;

pub(crate) use driver::Driver;
pub(crate) use driving::Driving;
#[cfg(feature = "fire")]
pub(crate) use greeting::{CALLS, CALLS_BACK};
pub(crate) use greeting::{CONTROL, is_fire, is_tls, spoken};
pub(crate) use home::ServerHome;
pub(crate) use route::NativeRoute;
pub(crate) use serving::Serving;
pub use usage::Usage;
