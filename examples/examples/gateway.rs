//! Joins two networks, here that of Unix sockets and that of TCP: who is on one of them offers objects
//! to those on the other, and calls theirs, with callbacks and blocks.
//! `cargo run -p drb-examples --example gateway druby://localhost:9000 drbunix:/tmp/gateway`
//!
//! ```ruby
//! require 'drb/unix'
//! DRb.start_service('drbunix:')
//! DRbObject.new_with_uri('drbunix:/tmp/gateway')[:list] = ['tea', 'milk'].extend(DRbUndumped)
//! DRb.thread.join
//! ```
//!
//! ```ruby
//! require 'drb'
//! DRb.start_service('druby://localhost:0')
//! DRbObject.new_with_uri('druby://localhost:9000')[:list].each { |word| puts word }
//! ```
//!
//! What can be called is for the object's own process to say: one in Ruby lets everything be called.
//! Whoever reaches the gateway reaches every object on the other side that it has a reference to, or
//! makes one up for: join networks that may know of each other.

use drb_examples::Gateway;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let other =
        std::env::args().nth(2).ok_or("the second argument is the URI on the other side")?;
    let gateway = Arc::new(Gateway::default());
    let server = gateway.join(&drb_examples::uri()).await?;
    gateway.join(&other).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
