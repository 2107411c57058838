//! `drbfire://` with Ruby at the other end. A program of its own: it has servers behind others.
//!
//! Ruby's side is `tests/ruby/fire/drb/drbfire.rb`, which is written from the protocol's description, since the gem can
//! neither be had everywhere nor works as it is with a Ruby of today. `DRBFIRE=FOLDER` takes what is there instead.

#[cfg(target_os = "linux")]
mod apart;
#[cfg(target_os = "linux")]
mod cable;
mod ruby_client;
mod ruby_server;
