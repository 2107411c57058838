//! What the macros make, called over real sockets.
#![deny(warnings)]
#![allow(missing_docs, unreachable_pub)]

mod blocks;
mod contract;
mod dumped;
mod error;
mod exclusive;
mod parameters;
mod references;
mod service;
mod several;
#[path = "../wires/mod.rs"]
mod wires;
