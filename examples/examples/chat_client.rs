//! Somebody in the room of `chat_server` (or of `chat_server.rb`): says each line that it reads, and
//! prints what it hears.
//! `cargo run -p drb-examples --example chat_client druby://localhost:9000 Ada`

use drb::prelude::*;
use drb_examples::{Member, RoomProxy};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, BufReader};

#[derive(DrbUndumped)]
struct Screen;

#[drb::service]
impl Member for Screen {
    async fn hear(&self, name: String, text: String) {
        println!("{name}: {text}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(2).ok_or("the second argument is your name")?;
    // The room calls back, so this program is a server too.
    let screen = Arc::new(Screen);
    drb::start_service("druby://localhost:0", Arc::clone(&screen)).await?;

    let room = RoomProxy::connect(&drb_examples::uri()).await?;
    println!("already here: {:?}", room.join(&screen, name).await?);

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        room.say(&screen, line).await?;
    }
    room.leave(&screen).await?;
    Ok(())
}
