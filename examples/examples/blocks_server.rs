//! An object whose methods take blocks:
//! `cargo run -p drb-examples --example blocks_server druby://localhost:9000`
//!
//! ```ruby
//! require 'drb'
//! DRb.start_service('druby://localhost:0') # the block is called back there
//! words = DRbObject.new_with_uri('druby://localhost:9000')
//! words.each { |word, place| puts "#{place}: #{word}" }
//! ```

use drb_examples::Words;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words = ["tea", "coffee", "milk"].map(str::to_owned);
    let server = drb::start_service(&drb_examples::uri(), Words(words.into())).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
