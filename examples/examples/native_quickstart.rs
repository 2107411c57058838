//! The native wire, between Rust processes: `drb://` in place of `druby://`, and nothing else.
//!
//! ```sh
//! cargo run -p drb-examples --example native_quickstart
//! ```

use drb::prelude::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Stays where it is: the caller gets a proxy, and the counter lives as long as somebody holds one.
#[derive(Default, DrbUndumped)]
struct Counter(AtomicU64);

#[drb::service]
impl Counter {
    pub fn inc(&self, by: u64) -> u64 {
        self.0.fetch_add(by, Ordering::Relaxed) + by
    }
}

struct Desk;

#[drb::service]
impl Desk {
    pub fn counter(&self) -> Counter {
        Counter::default()
    }

    /// Calls an object of the caller's, over the connection that the call came over.
    pub async fn count_twice(&self, counter: CounterProxy) -> drb::Result<u64> {
        counter.inc(1).await?;
        counter.inc(1).await
    }

    pub async fn nap(&self) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service("drb://localhost:0", Desk).await?;
    let desk = DeskProxy::connect(server.uri()).await?; // from any process

    let counter = desk.counter().await?;
    println!("theirs counts to {}", counter.inc(40).await?);

    // No server has been started for this: the call back comes over the same connection.
    let own = Arc::new(Counter::default());
    println!("ours counts to {}", desk.count_twice(&own).await?);

    // Many calls share the connection, and none waits for another.
    let naps: Vec<_> = (0..100)
        .map(|_| {
            let desk = desk.clone();
            tokio::spawn(async move { desk.nap().await })
        })
        .collect();
    let mut done = 0;
    for nap in naps {
        nap.await??;
        done += 1;
    }
    println!("{done} calls over {} connection", server.usage().connections);

    // The counter goes when its last proxy does.
    println!("held: {}", server.usage().exported);
    drop(counter);
    desk.nap().await?;
    println!("held: {}", server.usage().exported);

    // The same port serves Ruby.
    let ruby = DeskProxy::connect(&server.uri().replace("drb://", "druby://")).await?;
    println!("over Ruby's wire, too: {}", ruby.counter().await?.inc(7).await?);
    Ok(())
}
