//! Passes closures to the methods of `blocks_server` (or of `blocks_server.rb`):
//! `cargo run -p drb-examples --example blocks_client druby://localhost:9000`

use drb_examples::WordsProxy;
use std::ops::ControlFlow::{Break, Continue};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Blocks are called back, so this program is a server too.
    drb::start_service(None, ()).await?;
    let words = WordsProxy::connect(&drb_examples::uri()).await?;

    // It runs here, and may change what is around it.
    let mut letters = 0;
    let count = words.each(|word, _| letters += word.len()).await?;
    println!("{count} words have {letters} letters");

    // What it gives goes back to the method. It may be asynchronous.
    let lengths = words.map(async |word| word.len() as u64).await?;
    println!("their lengths: {lengths:?}");

    // `Break` ends the method, and is its result.
    let place = words
        .each(|word, place| if word == "coffee" { Break(place) } else { Continue(()) })
        .await?;
    println!("coffee is at {place}");

    // An error ends the method as well, unless it takes care of it.
    let no_coffee = |word: String, _| match word.as_str() {
        "coffee" => Err("no coffee, please".to_owned()),
        _ => Ok(()),
    };
    match words.each(no_coffee).await {
        Err(drb::Error::Raised(exception)) => println!("{exception}"),
        other => println!("{other:?}"),
    }
    Ok(())
}
