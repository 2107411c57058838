//! Calls on Ruby's wire, Rust with Rust beside Ruby with Ruby, in one run:
//! `cargo run --release -p drb-benches --bin calls`
//!
//! Each measurement starts a fresh server process and a fresh client process, which both sides do
//! in turns. CPU time is that of both processes.

use drb_benches::{Process, median, ruby, runtime, table, wait_for_end_of_input};
use std::{
    error::Error,
    process::Command,
    time::{Duration, Instant},
};

/// How long one measurement takes.
const SECONDS: f64 = 2.0;
/// How often each side has its turn.
const ROUNDS: usize = 3;

#[derive(Default)]
struct Echo;

#[drb::service]
impl Echo {
    /// Gives back what it is given.
    pub fn echo(&self, value: i64) -> i64 {
        value
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => compare(),
        ["server"] => runtime()?.block_on(serve()),
        ["client", uri, callers, seconds] => {
            runtime()?.block_on(call(uri, callers.parse()?, seconds.parse()?))
        }
        _ => Err("no arguments are needed".into()),
    }
}

fn compare() -> Result<(), Box<dyn Error>> {
    let head = ["callers", "", "calls/s", "×", "CPU µs/call", "×"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for callers in [1, 64] {
        let mut figures: [Vec<f64>; 4] = Default::default();
        for _ in 0..ROUNDS {
            let ruby = measure(Side::Ruby, callers)?;
            let drb = measure(Side::Drb, callers)?;
            figures[0].push(ruby.rate);
            figures[1].push(ruby.cpu);
            figures[2].push(drb.rate);
            figures[3].push(drb.cpu);
        }
        let [ruby_rate, ruby_cpu, drb_rate, drb_cpu] = figures.map(median);
        let row = |name: &str, rate: f64, cpu: f64, times: [f64; 2]| {
            vec![
                callers.to_string(),
                name.to_owned(),
                format!("{rate:.0}"),
                format!("{:.1}", times[0]),
                format!("{cpu:.1}"),
                format!("{:.2}", times[1]),
            ]
        };
        rows.push(row("Ruby", ruby_rate, ruby_cpu, [1.0, 1.0]));
        rows.push(row("drb", drb_rate, drb_cpu, [drb_rate / ruby_rate, drb_cpu / ruby_cpu]));
    }
    println!("echo(i64) over TCP on Ruby's wire, medians of {ROUNDS} rounds of {SECONDS} s.\n");
    println!("{}", table(&rows));
    Ok(())
}

#[derive(Clone, Copy)]
enum Side {
    Ruby,
    Drb,
}

struct Measured {
    /// Calls a second.
    rate: f64,
    /// Microseconds of CPU time for a call, of both processes.
    cpu: f64,
}

fn measure(side: Side, callers: usize) -> Result<Measured, Box<dyn Error>> {
    let mut server = start(side, &["server".into()])?;
    let ready = server.line()?;
    let uri = ready.strip_prefix("ready ").ok_or("the server is not ready")?.trim().to_owned();
    let words = ["client".into(), uri, callers.to_string(), SECONDS.to_string()];
    let mut client = start(side, &words)?;
    client.line()?; // It is connected and calls from now on.
    let before = client.cpu()? + server.cpu()?;
    let result = client.line()?; // It waits for the end of its input.
    let cpu = client.cpu()? + server.cpu()? - before;
    let mut figures = result.split_whitespace().map(str::parse::<f64>);
    let calls = figures.next().ok_or("no calls")??;
    let seconds = figures.next().ok_or("no time")??;
    Ok(Measured { rate: calls / seconds, cpu: cpu.as_secs_f64() * 1e6 / calls })
}

fn start(side: Side, words: &[String]) -> Result<Process, Box<dyn Error>> {
    let mut command = match side {
        Side::Drb => Command::new(std::env::current_exe()?),
        Side::Ruby => ruby("calls.rb"),
    };
    command.args(words);
    Process::start(command)
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let server = drb::start_service("druby://127.0.0.1:0", Echo).await?;
    println!("ready {}", server.uri());
    tokio::task::spawn_blocking(wait_for_end_of_input).await?;
    Ok(())
}

async fn call(uri: &str, callers: usize, seconds: f64) -> Result<(), Box<dyn Error>> {
    let echo = EchoProxy::connect(uri).await?;
    echo.echo(1).await?;
    println!("calling");
    let started = Instant::now();
    let finish = started + Duration::from_secs_f64(seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let echo = echo.clone();
        tasks.spawn(async move {
            let mut calls = 0_u64;
            while Instant::now() < finish {
                assert_eq!(echo.echo(1_234_567).await?, 1_234_567, "wrong answer");
                calls += 1;
            }
            Ok::<_, drb::Error>(calls)
        });
    }
    let mut calls = 0;
    while let Some(made) = tasks.join_next().await {
        calls += made??;
    }
    println!("{calls} {}", started.elapsed().as_secs_f64());
    tokio::task::spawn_blocking(wait_for_end_of_input).await?;
    Ok(())
}
