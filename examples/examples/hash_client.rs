//! Uses the hash that `hash_server` shares:
//! `cargo run -p drb-examples --example hash_client druby://localhost:9000`

use drb::Symbol;
use drb_examples::SharedHashProxy;
use std::time::SystemTime;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hash = SharedHashProxy::connect(&drb_examples::uri()).await?;

    println!("counter = {}", hash.inc(Symbol::from("counter")).await?);

    let last: Option<SystemTime> = hash.get(Symbol::from("lastaccess")).await?.to()?;
    match last {
        Some(time) => println!("last access {:?} ago", time.elapsed().unwrap_or_default()),
        None => println!("first access"),
    }
    hash.set(Symbol::from("lastaccess"), SystemTime::now()).await?;
    Ok(())
}
