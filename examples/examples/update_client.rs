//! Passes the same two numbers to `update_server` (or to `update_server.rb`) as a copy and by
//! reference. A copy stays as it was.
//! `cargo run -p drb-examples --example update_client druby://localhost:9000`

use drb::Exclusive;
use drb_examples::{Pair, UpdaterProxy};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What is passed by reference is called back, so this program is a server too.
    drb::start_service(None, ()).await?;
    let updater = UpdaterProxy::connect(&drb_examples::uri()).await?;

    let pair = Pair { first: 10, second: 20 };
    updater.update(&pair).await?;
    println!("a copy: {}, {}", pair.first, pair.second);

    // `add` takes `&mut self`, so the pair is held in an `Exclusive`.
    let pair = Arc::new(Exclusive::new(pair));
    updater.update(&pair).await?;
    let pair = pair.read().await;
    println!("by reference: {}, {}", pair.first, pair.second);
    Ok(())
}
