//! A board for the users of one machine: everybody may pin a note, only the user who has started the
//! server may clear the board: `cargo run -p drb-examples --example unix_server drbunix:/tmp/board`

use drb::{Guard, Server};
use drb_examples::Board;
use std::os::unix::fs::MetadataExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let guard = Guard::new("allow user:*".parse()?)?.method("clear", "deny all".parse()?)?;
    let server = Server::builder()
        .front(guard.protect(Board::default())?)
        .unix_file_mode(0o666) // who can write to the file can connect
        .on_failed_call(|call| eprintln!("{}: {}", call.context.identity(), call.exception))
        .start(drb_examples::uri())
        .await?;
    // The lists can be replaced at any time. The socket's file is this process's user's.
    let path = server.uri().strip_prefix("drbunix:").ok_or("a Unix socket is needed")?;
    let own = std::fs::metadata(path)?.uid();
    guard.set_method("clear", format!("deny all  allow user:{own}").parse()?)?;

    println!("ready {}", server.uri());
    Ok(drb_examples::until_interrupted(server).await?)
}
