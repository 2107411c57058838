//! A thermometer that tells its observers, in Rust and in Ruby, when the temperature changes. Whoever
//! cannot be told is dropped.
//!
//! ```sh
//! cargo run -p drb-examples --example observer_server druby://localhost:9000
//! cargo run -p drb-examples --example observer_client druby://localhost:9000
//! ruby examples/examples/observer_client.rb druby://localhost:9000
//! ruby -rdrb -e 'DRbObject.new_with_uri("druby://localhost:9000").degrees = 21.5'
//! ```

use drb_examples::Thermometer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service(&drb_examples::uri(), Thermometer::default()).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
