//! `drbssl://` with Ruby's `drb/ssl` at the other end. A program of its own: its first server is one with
//! TLS, where Ruby calls back.

mod ruby_client;
mod ruby_server;
