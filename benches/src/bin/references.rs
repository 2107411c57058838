//! What a live reference costs in memory, on each side:
//! `cargo run --release -p drb-benches --bin references`
//!
//! A server in Rust hands out 100,000 objects, each with a reference of its own, to a client in Ruby and
//! to one in Rust, which hold them and can call each.

use drb::{DrbUndumped, Limits, Server};
use drb_benches::{Process, ruby, runtime, table, wait_for_end_of_input};
use std::{error::Error, process::Command};

/// How many references the client holds at the end.
const REFERENCES: usize = 100_000;
/// How many of them come in one call.
const BATCH: usize = 1000;

#[derive(DrbUndumped)]
struct Book {
    number: u64,
}

#[drb::service]
impl Book {
    /// Which one it is.
    pub fn number(&self) -> u64 {
        self.number
    }
}

struct Shelf;

#[drb::service]
impl Shelf {
    /// Books that nobody has had before.
    pub fn books(&self, first: u64, count: u64) -> Vec<Book> {
        (first..first + count).map(|number| Book { number }).collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => measure(),
        ["server"] => runtime()?.block_on(serve()),
        ["client", uri, count, batch] => {
            runtime()?.block_on(hold(uri, count.parse()?, batch.parse()?))
        }
        _ => Err("no arguments are needed".into()),
    }
}

fn measure() -> Result<(), Box<dyn Error>> {
    let head = ["client", "references", "bytes at the client", "bytes at the server"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for name in ["Ruby", "drb"] {
        let this = || std::env::current_exe().map(Command::new);
        let mut command = this()?;
        command.arg("server");
        let mut server = Process::start(command)?;
        let ready = server.line()?;
        let uri = ready.strip_prefix("ready ").ok_or("the server is not ready")?.trim();
        let mut command = if name == "Ruby" { ruby("references.rb") } else { this()? };
        command.args(["client", uri, &REFERENCES.to_string(), &BATCH.to_string()]);
        let mut client = Process::start(command)?;
        client.line()?; // It is connected, and has called once.
        let before = [client.memory()?, server.memory()?];
        client.tell("go")?;
        let held = client.line()?; // It has called the first and the last.
        if held.trim() != "held" {
            return Err(format!("the client says {held:?}").into());
        }
        let after = [client.memory()?, server.memory()?];
        let bytes = |side: usize| ((after[side] - before[side]) / REFERENCES).to_string();
        rows.push(vec![name.to_owned(), REFERENCES.to_string(), bytes(0), bytes(1)]);
    }
    println!("{}", table(&rows));
    Ok(())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let limits = Limits { exports: 2 * REFERENCES, ..Limits::default() };
    let server = Server::builder().front(Shelf).limits(limits).start(()).await?;
    println!("ready {}", server.uri());
    tokio::task::spawn_blocking(wait_for_end_of_input).await?;
    Ok(())
}

async fn hold(uri: &str, count: u64, batch: u64) -> Result<(), Box<dyn Error>> {
    let shelf = ShelfProxy::connect(uri).await?;
    shelf.books(0, 1).await?[0].number().await?;
    println!("connected");
    std::io::stdin().read_line(&mut String::new())?;
    let mut books = Vec::with_capacity(count as usize);
    while (books.len() as u64) < count {
        books.extend(shelf.books(books.len() as u64, batch).await?);
    }
    for number in [0, count - 1] {
        assert_eq!(books[number as usize].number().await?, number);
    }
    println!("held");
    wait_for_end_of_input();
    Ok(())
}
