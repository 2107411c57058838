//! `drbssl://` and `drbs://` between Rust programs.
#![cfg(feature = "tls-dev")]

mod calls;
mod config;
mod handshake;
mod made;
mod refusals;
