//! A process that takes part in a conversation: peer ROLE URI …
//!
//! The roles are modules of `drb_tests`; for each there is a Ruby script that does the same.

use drb_tests::{
    relay::Relay,
    talk::{Journal, Talker},
};
use std::time::Duration;

#[tokio::main]
async fn main() -> drb::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = match arguments[1..] {
        ["relay", uri, name] => drb::start_service(uri, Relay::new(name)).await?,
        ["talk", uri, journal, deadline] => {
            let deadline = Duration::from_millis(deadline.parse().expect("milliseconds"));
            Talker::new(Journal::new(journal), deadline).start(uri).await?
        }
        _ => panic!("peer relay URI NAME, or peer talk URI JOURNAL MILLISECONDS"),
    };
    println!("ready {}", server.uri());
    server.wait().await;
    Ok(())
}
