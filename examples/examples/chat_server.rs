//! A room where programs in Rust and in Ruby talk. It calls its members, and they call it:
//!
//! ```sh
//! cargo run -p drb-examples --example chat_server druby://localhost:9000
//! cargo run -p drb-examples --example chat_client druby://localhost:9000 Ada
//! ruby examples/examples/chat_client.rb druby://localhost:9000 Bob
//! ```

use drb_examples::Room;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service(&drb_examples::uri(), Room::default()).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
