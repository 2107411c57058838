//! Rust with Rust, and Rust with real Ruby. One program, so that it is linked once.

mod acl;
mod dangerous;
mod desk;
mod echo;
mod examples;
mod examples_back;
mod files;
mod garbage;
mod gateway;
mod hash_server;
mod macros;
mod one_port;
mod ruby_server;
mod rust_client;
mod rust_server;
mod scripts;
mod standin;
mod streams;
mod unix;
mod values;
