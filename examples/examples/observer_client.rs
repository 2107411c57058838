//! An observer of `observer_server` (or of `observer_server.rb`). It prints each new temperature.
//! `cargo run -p drb-examples --example observer_client druby://localhost:9000`

use drb::prelude::*;
use drb_examples::{Observer, ThermometerProxy};
use std::sync::Arc;

#[derive(DrbUndumped)]
struct Display;

#[drb::service]
impl Observer for Display {
    async fn update(&self, degrees: f64) {
        println!("{degrees} degrees");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The thermometer calls back, so this program is a server too.
    let display = Arc::new(Display);
    let server = drb::start_service("druby://localhost:0", Arc::clone(&display)).await?;

    let thermometer = ThermometerProxy::connect(&drb_examples::uri()).await?;
    thermometer.add_observer(&display).await?;
    println!("observing as {}", server.uri());

    tokio::signal::ctrl_c().await?;
    thermometer.delete_observer(&display).await?;
    Ok(())
}
