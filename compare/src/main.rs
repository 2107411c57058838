//! Puts drb beside other ways of calling another process: a bare tokio program, tarpc and Ruby's drb.
//!
//! Every measurement has a fresh server process and a fresh client process, which are this program again
//! (or Ruby). The contenders take turns within a round, and each is compared with the bare program of its
//! own round.

mod contenders;
mod control;
mod driver;
mod measure;
mod plot;
mod report;
mod workload;

use contenders::Contender;
use driver::Result;
use std::{path::Path, time::Duration};
use workload::Workload;

/// What to measure.
struct Options {
    workloads: Vec<Workload>,
    seconds: f64,
    rounds: usize,
    one_core: bool,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words {
        ["server", contender] => serve(Contender::named(contender)?),
        ["client", contender, workload, address, seconds] => {
            let job = driver::Job {
                workload: Workload::named(workload)?,
                address: address.to_owned(),
                length: Duration::from_secs_f64(seconds.parse()?),
            };
            call(Contender::named(contender)?, job)
        }
        ref words => compare(&Options::parse(words)?),
    }
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self { workloads: Vec::new(), seconds: 0.7, rounds: 3, one_core: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a number"));
            match *word {
                "--seconds" => options.seconds = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--one-core" => options.one_core = true,
                name => options.workloads.push(Workload::named(name)?),
            }
        }
        if options.workloads.is_empty() {
            options.workloads = Workload::ALL.to_vec();
        }
        Ok(options)
    }
}

fn compare(options: &Options) -> Result<()> {
    let results = measure::measure(options)?;
    let tables = report::tables(options, &results);
    println!("{tables}");
    let directory = Path::new("results");
    std::fs::create_dir_all(directory)?;
    std::fs::write(directory.join("results.md"), &tables)?;
    std::fs::write(directory.join("results.svg"), plot::svg(options, &results))?;
    eprintln!("written to compare/results: results.md and results.svg");
    Ok(())
}

fn serve(contender: Contender) -> Result<()> {
    runtime()?.block_on(async {
        match contender {
            Contender::Bare => contenders::bare::serve().await,
            Contender::Native => contenders::drb::serve("drb://127.0.0.1:0").await,
            Contender::RubyWire => contenders::drb::serve("druby://127.0.0.1:0").await,
            Contender::Tarpc => contenders::tarpc::serve().await,
            Contender::Ruby => Err("that one is a program in Ruby".into()),
        }
    })
}

fn call(contender: Contender, job: driver::Job) -> Result<()> {
    runtime()?.block_on(async {
        match (contender, job.workload) {
            (Contender::Bare, Workload::Tasks) => {
                driver::run::<contenders::bare::Shared>(job).await
            }
            (Contender::Bare, _) => driver::run::<contenders::bare::Alone>(job).await,
            (Contender::Native | Contender::RubyWire, _) => {
                driver::run::<contenders::drb::Caller>(job).await
            }
            (Contender::Tarpc, _) => driver::run::<contenders::tarpc::Caller>(job).await,
            (Contender::Ruby, _) => Err("that one is a program in Ruby".into()),
        }
    })
}

/// All of them have one thread: what a second one brings is not what is compared.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
