//! Calls an object behind an SSH server, which calls back: the tunnels of `ssh -L … -R …`, dug by the program itself.
//!
//! On the far machine runs `blocks_server`, or `blocks_server.rb`, at `druby://localhost:9000`. Here:
//!
//! ```sh
//! cargo run -p drb-examples --features ssh --example ssh_tunnel me@far.example druby://localhost:9000
//! ```
//!
//! For tests a private key and a file of known hosts may follow. With drb on both sides all of this is one URI:
//! `drb+ssh://me@far.example/localhost:9000`.

use drb::{Client, Server, ssh::Session};
use drb_examples::WordsProxy;
use std::ops::ControlFlow::{Break, Continue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, uri, files @ ..] = arguments.as_slice() else {
        return Err("ssh_tunnel USER@HOST URI [KEY KNOWN_HOSTS]".into());
    };
    let mut login = Session::builder();
    if let [key, known_hosts] = files {
        login = login.key_file(key).known_hosts(known_hosts);
    }
    let session = login.connect(host).await?;

    // There: each connection of this client is opened by the SSH server, so the URI is one as seen from there.
    let client = Client::builder().through(&session).build();
    let words: WordsProxy = client.connect(uri).await?;

    // And back: the SSH server listens for those who call our blocks. This process listens nowhere.
    let listener = session.listen("localhost:0").await?;
    let server = Server::builder().client(client).start_without_listener(&listener.uri())?;
    let _back = listener.serve(&server);

    let mut letters = 0;
    let count = words.each(|word, _| letters += word.len()).await?;
    println!("{count} words have {letters} letters");
    let place = words
        .each(|word, place| if word == "coffee" { Break(place) } else { Continue(()) })
        .await?;
    println!("coffee is at {place}");
    Ok(())
}
