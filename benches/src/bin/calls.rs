//! Calls on Ruby's wire, Rust with Rust beside Ruby with Ruby, in one run:
//! `cargo run --release -p drb-benches --bin calls`
//!
//! Each measurement starts a fresh server process and a fresh client process, which both sides do
//! in turns. CPU time is that of both processes.

use drb_benches::{median, table};
use std::{
    error::Error,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
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
    let mut server = Process::start(side, &["server".into()])?;
    let ready = server.line()?;
    let uri = ready.strip_prefix("ready ").ok_or("the server is not ready")?.trim().to_owned();
    let words = ["client".into(), uri, callers.to_string(), SECONDS.to_string()];
    let mut client = Process::start(side, &words)?;
    client.line()?; // It is connected and calls from now on.
    let before = client.cpu()? + server.cpu()?;
    let result = client.line()?; // It waits for the end of its input.
    let cpu = client.cpu()? + server.cpu()? - before;
    let mut figures = result.split_whitespace().map(str::parse::<f64>);
    let calls = figures.next().ok_or("no calls")??;
    let seconds = figures.next().ok_or("no time")??;
    Ok(Measured { rate: calls / seconds, cpu: cpu.as_secs_f64() * 1e6 / calls })
}

/// A server or a client.
struct Process {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(side: Side, words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut command = match side {
            Side::Drb => Command::new(std::env::current_exe()?),
            Side::Ruby => {
                let mut command = Command::new("ruby");
                command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ruby/calls.rb"));
                command
            }
        };
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, output })
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }

    /// The CPU time that it has used so far, in user mode and in the system.
    fn cpu(&self) -> Result<Duration, Box<dyn Error>> {
        /// What the system counts in: 100 a second on every Linux.
        const TICK: Duration = Duration::from_millis(10);
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the program's name in parentheses, which may hold anything.
        let fields = text.rsplit(')').next().ok_or("no stat")?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u32>);
        let user = times.next().ok_or("no user time")??;
        let system = times.next().ok_or("no system time")??;
        Ok(TICK * (user + system))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
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

fn wait_for_end_of_input() {
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
}
