//! Processes that speak drb's native wire with each other, over a network that loses, holds and delays
//! what they send, on hosts that are killed: all from a seed, so that a run can be repeated.
//!
//! The code that runs is drb's own, with turmoil's network in place of sockets and a clock that turmoil
//! moves. What happens is written into a [history], which the [checker] judges. `docs/testing.md` says
//! what it looks for, and how a seed is run again.

pub mod checker;
mod client;
pub mod fault;
pub mod history;
mod host;
pub mod plan;
mod service;
mod stream;
mod world;

pub use world::{Run, run};

/// Keeps the panics to itself that methods are asked for.
pub fn quiet() {
    use std::sync::Once;
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some("on purpose") {
                before(panic);
            }
        }));
    });
}
