//! The server of the shared hash, for those whom a list allows:
//!
//! `cargo run -p drb-examples --example acl_server druby://:9000 "deny all allow 192.168.1.*"`

use drb::Acl;
use drb_examples::SharedHash;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let list = std::env::args().nth(2).unwrap_or_else(|| "deny all allow 127.0.0.1".to_owned());
    let acl = Acl::parse(&list)?;

    let server = drb::Server::builder()
        .front(SharedHash::default())
        .acl(acl)
        .start(&drb_examples::uri())
        .await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
