//! Calls an object in a Ruby process through a typed proxy. First `ruby_server.rb`, which stands
//! beside this file, then this program:
//!
//! ```sh
//! ruby examples/examples/ruby_server.rb druby://localhost:9000
//! cargo run -p drb-examples --example ruby_client druby://localhost:9000
//! ```

use drb::prelude::*;

/// What the Ruby object offers. From this trait `#[drb::service]` makes `LibraryProxy`.
#[drb::service]
trait Library {
    async fn search(&self, word: String, #[drb(keyword, default = 10)] limit: u32) -> Vec<Book>;
    async fn lend(&self, title: String, days: u32) -> Result<Loan, LendError>;
    #[drb(name = "empty?")]
    async fn is_empty(&self) -> bool;
}

/// An object of Ruby's class `Book`, by its instance variables.
#[derive(Debug, DrbDumped)]
struct Book {
    title: String,
    year: i32,
}

/// A Ruby `Struct`.
#[derive(Debug, DrbDumped)]
#[drb(as_struct)]
struct Loan {
    book: Book,
    until: String,
}

/// What `lend` raises.
#[derive(Debug, thiserror::Error, DrbError)]
enum LendError {
    #[error("lent until {until}")]
    #[drb(class = "Lent")]
    Lent { until: String },
    #[error("there is no such book")]
    #[drb(class = "KeyError")]
    Unknown,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let library = LibraryProxy::connect(&drb_examples::uri()).await?;

    println!("empty: {}", library.is_empty().await?);
    for book in library.search("Ruby", 5).await? {
        println!("found {} ({})", book.title, book.year);
    }

    let loan = library.lend("The dRuby Book", 14).await?;
    println!("lent {} until {}", loan.book.title, loan.until);

    // An exception of Ruby is an error of Rust.
    match library.lend("The dRuby Book", 14).await {
        Err(CallError::Method(LendError::Lent { until })) => println!("not again before {until}"),
        other => println!("unexpected: {other:?}"),
    }
    Ok(())
}
