//! Calls `ssl_server` (or `ssl_server.rb`) over TLS, and is called back:
//! `cargo run -p drb-examples --example ssl_client drbssl://localhost:9000 certificates`
//!
//! The second argument is a folder with `ca.pem`, `client.pem` and `client.key`, which `ssl_server` makes.

use drb::tls::{Certificate, ClientTls, ServerTls, Trust};
use drb_examples::DoorProxy;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = drb_examples::folder();
    let trust = Trust::pem_file(folder.join("ca.pem"))?;
    let own = Certificate::from_pem_files(folder.join("client.pem"), folder.join("client.key"))?;

    // Where blocks are called back on Ruby's wire. (With `drbs://` there is no need of it.)
    let tls = ServerTls::new(own.clone()).require_clients(trust.clone());
    drb::Server::builder().tls(tls).start("drbssl://localhost:0").await?;

    // The server has to show a certificate of that authority, for the host in the URI.
    let tls = ClientTls::new(trust).certificate(own);
    let client = drb::Client::builder().tls(tls).build();
    let door: DoorProxy = client.connect(&drb_examples::uri()).await?;
    println!("{}", door.knock().await?);
    let count = door.rooms(|room| println!("there is the {room}")).await?;
    println!("{count} rooms");
    Ok(())
}
