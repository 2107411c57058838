//! Calls its clients, though nobody can connect to them: by Ruby's drbfire.
//! `cargo run -p drb-examples --example fire_server drbfire://localhost:9000`
//!
//! Each `fire_client` and `fire_client.rb` opens a connection on which the server says that it wants another one.

use drb_examples::News;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = drb::Server::builder()
        .front(News::default())
        .on_refusal(|refusal| match refusal.fire {
            Some(problem) => eprintln!("{} is not let in: {problem}", refusal.peer),
            None => eprintln!("{} is not let in", refusal.peer),
        })
        .start(drb_examples::uri())
        .await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
