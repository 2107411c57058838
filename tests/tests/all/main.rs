//! Rust with Rust, and Rust with real Ruby. One program, so that it is linked once.

mod scripts;
