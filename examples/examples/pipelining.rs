//! Calls on what a call is going to give, without waiting for it: all of them go out together.
//!
//! ```sh
//! cargo run -p drb-examples --example pipelining
//! cargo run -p drb-examples --example pipelining -- druby://localhost:0
//! ```
//!
//! Over Ruby's wire and within the process it means the same; there, each call waits for the one before.

use drb::{Error, MethodError, prelude::*};

#[derive(DrbUndumped)]
struct Library;

#[derive(DrbUndumped)]
struct Shelf(Vec<&'static str>);

#[derive(DrbUndumped)]
struct Book(&'static str);

#[drb::service]
impl Library {
    pub fn shelf(&self, topic: &str) -> Result<Shelf, String> {
        match topic {
            "networks" => Ok(Shelf(vec!["Ethernet", "TCP/IP"])),
            _ => Err(format!("there is no shelf about {topic}")),
        }
    }
}

#[drb::service]
impl Shelf {
    pub fn book(&self, number: u32) -> Option<Book> {
        self.0.get(number as usize).copied().map(Book)
    }
}

#[drb::service]
impl Book {
    pub fn title(&self) -> String {
        self.0.to_owned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1).unwrap_or_else(|| "drb://localhost:0".to_owned());
    let server = drb::start_service(&*uri, Library).await?;
    let library = LibraryProxy::connect(server.uri()).await?;

    // Three calls in one round trip. Nothing is sent before the last one is awaited.
    let title = library.shelf("networks").pipelined().book(1).pipelined().title().await?;
    println!("the second one: {title}");

    // Once the object is there, the proxy is as good as any other.
    let shelf = library.shelf("networks").pipelined();
    let (first, second) = (shelf.book(0).pipelined(), shelf.book(1).pipelined());
    let (first, second) = tokio::join!(first.title(), second.title());
    println!("both: {}, {}", first?, second?);

    // Where a call fails, those that build on it have surely not run, and say why.
    let cooking = library.shelf("cooking").pipelined().book(0).pipelined();
    match cooking.title().await {
        Err(error @ Error::Unresolved { .. }) => {
            println!("{}: {error}", error.outcome());
            if let Error::Unresolved { cause } = &error
                && let Some(Ok(own)) = cause.exception().cloned().map(String::rescue)
            {
                println!("the method's own error: {own}");
            }
        }
        other => println!("{other:?}"),
    }

    // So does one that finds nothing.
    let error = shelf.book(2).pipelined().title().await.unwrap_err();
    println!("no third one: {}", error.outcome());
    Ok(())
}
