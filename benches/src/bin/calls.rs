//! Calls on Ruby's wire, Rust with Rust beside Ruby with Ruby, in one run:
//! `cargo run --release -p drb-benches --bin calls`
//!
//! Within TLS beside without it, on both wires, with Rust at both ends:
//! `cargo run --release -p drb-benches --features tls --bin calls -- tls`
//!
//! Each measurement starts a fresh server process and a fresh client process, which both sides do
//! in turns. CPU time is that of both processes.

use drb::Client;
use drb_benches::{Process, median, ruby, runtime, secure, table, wait_for_end_of_input};
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
        [] => {
            let sides = [("Ruby", Side::Ruby), ("drb", Side::Drb("druby", None))];
            println!(
                "echo(i64) over TCP on Ruby's wire, medians of {ROUNDS} rounds of {SECONDS} s.\n"
            );
            compare(&sides)
        }
        ["tls"] => compare_tls(),
        ["server", scheme, certificates @ ..] => {
            runtime()?.block_on(serve(scheme, certificates.first().copied()))
        }
        ["client", uri, callers, seconds, certificates @ ..] => {
            let client = secure::clients(certificates.first().copied())?();
            runtime()?.block_on(call(client, uri, callers.parse()?, seconds.parse()?))
        }
        _ => Err("no arguments are needed, or `tls`".into()),
    }
}

#[cfg(feature = "tls")]
fn compare_tls() -> Result<(), Box<dyn Error>> {
    let certificates = secure::Certificates::new()?;
    let folder = Some(certificates.folder()?);
    println!("echo(i64) over TCP, medians of {ROUNDS} rounds of {SECONDS} s.\n");
    compare(&[("druby://", Side::Drb("druby", None)), ("drbssl://", Side::Drb("drbssl", folder))])?;
    compare(&[("drb://", Side::Drb("drb", None)), ("drbs://", Side::Drb("drbs", folder))])
}

#[cfg(not(feature = "tls"))]
fn compare_tls() -> Result<(), Box<dyn Error>> {
    Err("it needs `--features tls`".into())
}

/// Puts sides beside the first one.
fn compare(sides: &[(&str, Side<'_>)]) -> Result<(), Box<dyn Error>> {
    let head = ["callers", "", "calls/s", "×", "CPU µs/call", "×"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for callers in [1, 64] {
        let mut figures = vec![(Vec::new(), Vec::new()); sides.len()];
        for _ in 0..ROUNDS {
            for ((_, side), (rates, cpus)) in sides.iter().zip(&mut figures) {
                let measured = measure(*side, callers)?;
                rates.push(measured.rate);
                cpus.push(measured.cpu);
            }
        }
        let mut first = None;
        for ((name, _), (rates, cpus)) in sides.iter().zip(figures) {
            let (rate, cpu) = (median(rates), median(cpus));
            let (first_rate, first_cpu) = *first.get_or_insert((rate, cpu));
            rows.push(vec![
                callers.to_string(),
                (*name).to_owned(),
                format!("{rate:.0}"),
                times(rate / first_rate),
                format!("{cpu:.1}"),
                times(cpu / first_cpu),
            ]);
        }
    }
    println!("{}", table(&rows));
    Ok(())
}

fn times(ratio: f64) -> String {
    if ratio >= 2.0 { format!("{ratio:.1}") } else { format!("{ratio:.2}") }
}

#[derive(Clone, Copy)]
enum Side<'a> {
    Ruby,
    /// With a scheme, and a folder of certificates if that is one of TLS.
    Drb(&'a str, Option<&'a str>),
}

struct Measured {
    /// Calls a second.
    rate: f64,
    /// Microseconds of CPU time for a call, of both processes.
    cpu: f64,
}

fn measure(side: Side<'_>, callers: usize) -> Result<Measured, Box<dyn Error>> {
    let mut server = start(side, &["server"])?;
    let ready = server.line()?;
    let uri = ready.strip_prefix("ready ").ok_or("the server is not ready")?.trim().to_owned();
    let mut client = start(side, &["client", &uri, &callers.to_string(), &SECONDS.to_string()])?;
    client.line()?; // It is connected and calls from now on.
    let before = client.cpu()? + server.cpu()?;
    let result = client.line()?; // It waits for the end of its input.
    let cpu = client.cpu()? + server.cpu()? - before;
    let mut figures = result.split_whitespace().map(str::parse::<f64>);
    let calls = figures.next().ok_or("no calls")??;
    let seconds = figures.next().ok_or("no time")??;
    Ok(Measured { rate: calls / seconds, cpu: cpu.as_secs_f64() * 1e6 / calls })
}

fn start(side: Side<'_>, words: &[&str]) -> Result<Process, Box<dyn Error>> {
    let mut command = match side {
        Side::Drb(..) => Command::new(std::env::current_exe()?),
        Side::Ruby => ruby("calls.rb"),
    };
    command.args(words);
    if let Side::Drb(scheme, certificates) = side {
        command.args((words == ["server"]).then_some(scheme)).args(certificates);
    }
    Process::start(command)
}

async fn serve(scheme: &str, certificates: Option<&str>) -> Result<(), Box<dyn Error>> {
    let builder = secure::server(certificates)?.front(Echo);
    let server = builder.start(format!("{scheme}://127.0.0.1:0")).await?;
    println!("ready {}", server.uri());
    tokio::task::spawn_blocking(wait_for_end_of_input).await?;
    Ok(())
}

async fn call(
    client: Client,
    uri: &str,
    callers: usize,
    seconds: f64,
) -> Result<(), Box<dyn Error>> {
    let echo: EchoProxy = client.connect(uri).await?;
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
