//! An object behind TLS, for those who have a certificate:
//! `cargo run -p drb-examples --example ssl_server drbssl://localhost:9000 certificates`
//!
//! The second argument is a folder with `ca.pem`, `server.pem` and `server.key`. What isn't there is made, with a
//! `client.pem` and `client.key` for `ssl_client` and `ssl_client.rb`.

use drb::tls::{Certificate, ServerTls, Trust};
use drb_examples::Door;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = drb_examples::folder();
    if !folder.join("ca.pem").exists() {
        drb::dev_certificates([""; 0])?.write_to(&folder)?;
    }
    let own = Certificate::from_pem_files(folder.join("server.pem"), folder.join("server.key"))?;
    let tls = ServerTls::new(own).require_clients(Trust::pem_file(folder.join("ca.pem"))?);

    let server = drb::Server::builder()
        .front(Door)
        .tls(tls)
        .on_refusal(|refusal| match refusal.tls {
            Some(problem) => eprintln!("{} is not let in: {problem}", refusal.peer),
            None => eprintln!("{} is not let in", refusal.peer),
        })
        .start(drb_examples::uri())
        .await?;
    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
