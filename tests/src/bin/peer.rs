//! A process that takes part in a conversation: peer ROLE URI …
//!
//! The roles are modules of `drb_tests`; for each there is a Ruby script that does the same.

use drb_tests::relay::Relay;

#[tokio::main]
async fn main() -> drb::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = match arguments[1..] {
        ["relay", uri, name] => drb::start_service(uri, Relay::new(name)).await?,
        _ => panic!("peer relay URI NAME"),
    };
    println!("ready {}", server.uri());
    server.wait().await;
    Ok(())
}
