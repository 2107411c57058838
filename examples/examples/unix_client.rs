//! Pins a note at the board of `unix_server` (or of `unix_server.rb`), and tries to clear it:
//! `cargo run -p drb-examples --example unix_client drbunix:/tmp/board`

use drb_examples::BoardProxy;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let board = BoardProxy::connect(&drb_examples::uri()).await?;
    board.pin("the tea is ready").await?;
    println!("{}", board.notes().await?.join("\n"));
    match board.clear().await {
        Ok(()) => println!("cleared"),
        Err(error) => println!("not cleared: {error}"),
    }
    Ok(())
}
