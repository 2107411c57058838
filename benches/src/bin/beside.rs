//! How long small calls take while large messages move over the same connection:
//! `cargo run --release -p drb-benches --bin beside`
//!
//! A client calls an object with 64 bytes again and again, first alone, then while 1 GiB goes up to another
//! object, and while 1 GiB comes down, in messages of 256 KiB, four of which are under way at a time.
//! Server and client are processes of their own. (A call never overtakes an earlier one of the same object.)

use bytes::Bytes;
use drb::{DrbUndumped, Server};
use drb_benches::{Process, runtime, table, wait_for_end_of_input};
use std::{
    error::Error,
    process::Command,
    time::{Duration, Instant},
};

/// One large message.
const LARGE: usize = 256 << 10;
/// So many of them are moved, by so many tasks.
const MESSAGES: usize = 4096;
const TASKS: usize = 4;
/// How long the calls are made alone.
const ALONE: Duration = Duration::from_secs(2);

#[derive(DrbUndumped)]
struct Echo;

#[drb::service]
impl Echo {
    /// The bytes themselves.
    pub fn echo(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}

struct Store(Bytes);

#[drb::service]
impl Store {
    /// Another object.
    pub fn other(&self) -> Echo {
        Echo
    }

    /// How many bytes there are.
    pub fn put(&self, bytes: Bytes) -> usize {
        bytes.len()
    }

    /// The bytes that it has.
    pub fn get(&self) -> Bytes {
        self.0.clone()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => measure(),
        ["server"] => runtime()?.block_on(serve()),
        _ => Err("no arguments are needed".into()),
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let server =
        Server::builder().front(Store(vec![1; LARGE].into())).start("drb://127.0.0.1:0").await?;
    println!("ready {}", server.uri());
    tokio::task::spawn_blocking(wait_for_end_of_input).await?;
    Ok(())
}

fn measure() -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("server");
    let mut server = Process::start(command)?;
    let ready = server.line()?;
    let uri = ready.strip_prefix("ready ").ok_or("the server is not ready")?.trim();
    runtime()?.block_on(compare(uri))
}

async fn compare(uri: &str) -> Result<(), Box<dyn Error>> {
    let store = StoreProxy::connect(uri).await?;
    let echo = store.other().await?;
    let head = ["beside", "calls", "p50, us", "p99, us", "times as long", "MB/s"];
    let mut rows = vec![head.map(String::from).to_vec()];
    // It warms up.
    calls(&echo, tokio::spawn(rest(ALONE / 4))).await?;
    let begun = Instant::now();
    let alone = calls(&echo, tokio::spawn(rest(ALONE))).await?;
    rows.push(row("nothing", &alone, &alone, 0, begun.elapsed()));
    for up in [true, false] {
        let begun = Instant::now();
        let times = calls(&echo, tokio::spawn(move_all(store.clone(), up))).await?;
        let took = begun.elapsed();
        let what = if up { "1 GiB up" } else { "1 GiB down" };
        rows.push(row(what, &times, &alone, LARGE * MESSAGES, took));
    }
    println!("{}", table(&rows));
    Ok(())
}

async fn rest(time: Duration) -> drb::Result<()> {
    tokio::time::sleep(time).await;
    Ok(())
}

async fn move_all(store: StoreProxy, up: bool) -> drb::Result<()> {
    let bytes = Bytes::from(vec![1; LARGE]);
    let tasks = (0..TASKS).map(|_| {
        let (store, bytes) = (store.clone(), bytes.clone());
        tokio::spawn(async move {
            for _ in 0..MESSAGES / TASKS {
                match up {
                    true => drop(store.put(&bytes).await?),
                    false => drop(store.get().await?),
                }
            }
            Ok::<_, drb::Error>(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.map_err(|_| drb::Error::Stopped)??;
    }
    Ok(())
}

/// The times of calls that are made until `other` has ended, the shortest one first.
async fn calls<T: Send + 'static>(
    echo: &EchoProxy,
    other: tokio::task::JoinHandle<drb::Result<T>>,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let echo = echo.clone();
    // In a task: what a runtime blocks on itself has to wait for its tasks.
    let calls = async move {
        let mut times = Vec::new();
        while !other.is_finished() {
            let begun = Instant::now();
            echo.echo(vec![7; 64]).await?;
            times.push(begun.elapsed());
        }
        other.await.map_err(|_| drb::Error::Stopped)?.map(drop)?;
        Ok::<_, drb::Error>(times)
    };
    let mut times = tokio::spawn(calls).await??;
    times.sort_unstable();
    Ok(times)
}

fn row(
    what: &str,
    times: &[Duration],
    alone: &[Duration],
    bytes: usize,
    took: Duration,
) -> Vec<String> {
    let at = |times: &[Duration], share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    vec![
        what.to_owned(),
        times.len().to_string(),
        format!("{:.0}", at(times, 0.5)),
        format!("{:.0}", at(times, 0.99)),
        format!("{:.1}", at(times, 0.99) / at(alone, 0.99)),
        format!("{:.0}", bytes as f64 / took.as_secs_f64() / 1e6),
    ]
}
