//! A hash that many programs share, those in Ruby included:
//! `cargo run -p drb-examples --example hash_server druby://localhost:9000`
//!
//! Then, as often as you like:
//!
//! ```ruby
//! require 'drb'
//! obj = DRbObject.new(nil, 'druby://localhost:9000')
//! puts obj.inc(:counter)
//! puts "Last access time = #{obj[:lastaccess]}"
//! obj[:lastaccess] = Time.now
//! ```

use drb_examples::SharedHash;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service(&drb_examples::uri(), SharedHash::default()).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
