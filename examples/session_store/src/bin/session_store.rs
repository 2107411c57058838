//! Keeps the sessions: `cargo run -p drb-session-store --bin session_store druby://localhost:9000`

use drb_session_store::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::start_service(&drb_examples::uri(), Sessions::default()).await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
