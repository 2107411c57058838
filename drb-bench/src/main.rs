//! One side of a measurement, for a harness that compares RPC systems: it starts a server and a
//! client as two processes, tells them over their standard input when to begin, and watches how much
//! CPU time and memory they take meanwhile.
//!
//! ```text
//! drb-bench native server
//! drb-bench native client WORKLOAD URI WARM-UP SECONDS
//! ```
//!
//! `control.rs` has what is said over standard input and output, `workload.rs` what is measured.

mod client;
mod control;
mod server;
mod service;
mod workload;

use std::{error::Error, process::ExitCode, time::Duration};
use tokio::{
    runtime::{Builder, LocalOptions},
    task::LocalSet,
};

const USAGE: &str = "drb-bench WIRE server
drb-bench WIRE client WORKLOAD URI WARM-UP SECONDS
WIRE is `native` or `ruby`, WORKLOAD one of W1 to W9 (W4.1K, W4.64K, W4.1M); the times are in seconds.";

type Failed = Box<dyn Error + Send + Sync>;

/// The protocol between the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    /// `drb://`.
    Native,
    /// `druby://`.
    Ruby,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("drb-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failed> {
    match words {
        [wire, "server"] => {
            let wire = wire_of(wire)?;
            block_on(server::serve(wire))
        }
        [wire, "client", workload, uri, warm_up, seconds] => {
            let wire = wire_of(wire)?;
            let job = client::Job {
                workload: workload.parse()?,
                uri: (*uri).to_owned(),
                warm_up: duration(warm_up)?,
                time: duration(seconds)?,
            };
            block_on(client::run(wire, job))
        }
        _ => Err(USAGE.into()),
    }
}

fn wire_of(word: &str) -> Result<Wire, String> {
    match word {
        "ruby" => Ok(Wire::Ruby),
        "native" => Ok(Wire::Native),
        other => Err(format!("no wire is called `{other}`; use `native` or `ruby`")),
    }
}

fn duration(seconds: &str) -> Result<Duration, String> {
    let parsed = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed.ok_or_else(|| format!("`{seconds}` is no number of seconds"))
}

/// One thread, since client and server share a small machine; two with `PEERS_RT=multi`.
fn block_on(future: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    if std::env::var("PEERS_RT").is_ok_and(|kind| kind == "multi") {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        LocalSet::new().block_on(&runtime, future)
    } else {
        Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())?
            .block_on(future)
    }
}
