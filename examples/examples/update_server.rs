//! Changes what its callers pass to it:
//! `cargo run -p drb-examples --example update_server druby://localhost:9000`

use drb_examples::Updater;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service(&drb_examples::uri(), Updater).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
