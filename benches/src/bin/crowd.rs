//! How much ten thousand idle connections take, how long it takes to connect while thousands are silent,
//! and what a client notices of one that floods the server:
//! `cargo run --release -p drb-benches --bin crowd`
//!
//! With `--features tls` the connections are also held within TLS. With counts: `crowd HELD SILENT TRICKLING SECONDS`;
//! with 0 seconds they are held, and that is all. The server is a process of its own, with a core of its own if
//! there are two. So is who does it harm: that stands for another machine, and takes what the clients leave of the other
//! cores.

use drb::Client;
#[cfg(feature = "tls")]
use drb_benches::crowd::hold_within_tls;
use drb_benches::{
    Process,
    crowd::{Harm, Raw, address, flood, hold, newcomers, polite, serve},
    runtime, secure, table, wait_for_end_of_input,
};
use std::{
    env,
    error::Error,
    process::{self, Command},
    thread,
    time::{Duration, Instant},
};

/// What each of the polite clients leaves between two calls.
const PAUSE: Duration = Duration::from_millis(50);
const POLITE: usize = 99;
/// Some tens of microseconds of work.
const ROUNDS: usize = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => run_server(None),
        ["serve", certificates] => run_server(Some(certificates)),
        ["flood", uri, connections, at_once, rounds, seconds] => {
            let (connections, at_once) = (connections.parse()?, at_once.parse()?);
            let (rounds, time) = (rounds.parse()?, Duration::from_secs(seconds.parse()?));
            let made = runtime()?.block_on(flood(uri, connections, at_once, rounds, time))?;
            println!("{made}");
            Ok(())
        }
        ["harm", uri, silent, trickling] => {
            let raw = if uri.starts_with("druby:") { Raw::Ruby } else { Raw::Native };
            let (silent, trickling) = (silent.parse()?, trickling.parse()?);
            let runtime = runtime()?;
            let _guard = runtime.enter();
            let mut harm = Harm::default();
            harm.silent(address(uri), silent, Duration::from_secs(5));
            harm.trickling(address(uri), raw, trickling, Duration::from_secs(1));
            thread::spawn(|| {
                wait_for_end_of_input();
                process::exit(0);
            });
            runtime.block_on(std::future::pending())
        }
        _ => {
            let mut counts = [10_000, 5000, 100, 10];
            for (count, argument) in counts.iter_mut().zip(&arguments) {
                *count = argument.parse()?;
            }
            make_room()?;
            runtime()?.block_on(all(counts))
        }
    }
}

fn run_server(certificates: Option<&str>) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(serve(certificates))?;
    println!("{}", server.uri());
    wait_for_end_of_input();
    Ok(())
}

/// The cores of the server, and those of the others.
fn cores() -> (String, String) {
    match thread::available_parallelism().map_or(1, usize::from) {
        1 => ("0".into(), "0".into()),
        count => ("0".into(), format!("1-{}", count - 1)),
    }
}

fn part(arguments: &[&str]) -> Result<Process, Box<dyn Error>> {
    let mut command = Command::new("taskset");
    command.args(["-c", &cores().0]).arg(env::current_exe()?).args(arguments);
    Process::start(command)
}

/// This process leaves the server's core to the server.
fn make_room() -> Result<(), Box<dyn Error>> {
    let (this, others) = (process::id().to_string(), cores().1);
    let status = Command::new("taskset").args(["-acp", &others, &this]).output()?.status;
    if status.success() { Ok(()) } else { Err("taskset has failed".into()) }
}

/// A process that runs where and when no client does: it stands for another machine.
fn elsewhere(arguments: &[String]) -> Result<Process, Box<dyn Error>> {
    let mut command = Command::new("taskset");
    command.args(["-c", &cores().1, "chrt", "--idle", "0"]).arg(env::current_exe()?);
    command.args(arguments);
    Process::start(command)
}

/// It has another address, too.
fn flooder(
    uri: &str,
    connections: usize,
    at_once: usize,
    rounds: usize,
    seconds: usize,
) -> Result<Process, Box<dyn Error>> {
    let counts = [connections, at_once, rounds, seconds].map(|count| count.to_string());
    elsewhere(&[&["flood".into(), uri.into()], &counts[..]].concat())
}

/// A server of its own for each figure.
fn server(raw: Raw, certificates: Option<&str>) -> Result<(Process, String), Box<dyn Error>> {
    let mut server = match certificates {
        None => part(&["serve"])?,
        Some(folder) => part(&["serve", folder])?,
    };
    let uri = raw.at(server.line()?.trim());
    Ok((server, uri))
}

/// What a server takes up that holds so many connections.
async fn figures<T, E: Into<Box<dyn Error>>>(
    raw: Raw,
    certificates: Option<&str>,
    hold: impl AsyncFnOnce(&str) -> Result<Vec<T>, E>,
) -> Result<Vec<String>, Box<dyn Error>> {
    let (server, uri) = server(raw, certificates)?;
    let clients = secure::clients(certificates)?;
    newcomers(&clients, &uri, 10, Duration::ZERO).await?;
    let before = server.memory()?;
    let connections = hold(address(&uri)).await.map_err(Into::into)?;
    let after = server.memory()?;
    let (latencies, _) = newcomers(&clients, &uri, 100, Duration::from_millis(5)).await?;
    let each = after.saturating_sub(before) / connections.len().max(1);
    let all = after as f64 / (1 << 20) as f64;
    Ok(vec![each.to_string(), format!("{all:.1}"), milliseconds(latencies.at(990))])
}

async fn all([held, silent, trickling, seconds]: [usize; 4]) -> Result<(), Box<dyn Error>> {
    let wires = [("Ruby's", Raw::Ruby), ("native", Raw::Native)];

    let mut rows = vec![vec![format!("{held} connections held"), "bytes each".into()]];
    rows[0].extend(["MiB in all".into(), "a newcomer, p99".into()]);
    for (name, raw) in wires {
        let figures = figures(raw, None, async |address| hold(address, raw, held).await).await?;
        rows.push([vec![name.into()], figures].concat());
    }
    #[cfg(feature = "tls")]
    for (name, raw) in wires {
        let certificates = secure::Certificates::new()?;
        let folder = certificates.folder()?;
        let holding = async |address: &str| hold_within_tls(address, raw, held, folder).await;
        let figures = figures(raw, Some(folder), holding).await?;
        rows.push([vec![format!("{name}, TLS")], figures].concat());
    }
    println!("{}", table(&rows));
    if seconds == 0 {
        return Ok(());
    }

    let head = ["a newcomer", "p50", "p99", "longest", "refused", "server's MiB"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for (name, raw) in wires {
        let (server, uri) = server(raw, None)?;
        let mut _harm = None;
        for harmed in [false, true] {
            if harmed {
                let counts = [silent, trickling].map(|count| count.to_string());
                _harm = Some(elsewhere(&[&["harm".into(), uri.clone()], &counts[..]].concat())?);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            let (latencies, refused) =
                newcomers(Client::new, &uri, 200, Duration::from_millis(20)).await?;
            let who = match harmed {
                false => format!("{name}, alone"),
                true => format!("{name}, beside {silent} silent and {trickling} trickling"),
            };
            let times = [500, 990, 1000].map(|at| milliseconds(latencies.at(at)));
            let mebibytes = format!("{:.1}", server.memory()? as f64 / (1 << 20) as f64);
            let mut row = vec![who];
            row.extend(times);
            row.extend([format!("{refused} of {}", latencies.len() + refused), mebibytes]);
            rows.push(row);
        }
    }
    println!("{}", table(&rows));

    let polite_clients = format!("{POLITE} polite clients");
    let head = [&polite_clients, "p50", "p99", "longest", "flood, calls/s", "server's core"];
    let mut rows = vec![head.map(ToString::to_string).to_vec()];
    for (name, raw) in wires {
        let (server, uri) = server(raw, None)?;
        let time = Duration::from_secs(seconds as u64);
        polite(&uri, POLITE, PAUSE, 0, time / 5).await?;
        // On Ruby's wire, a connection for each call at a time.
        let idle = [(0, 0), (1, 1), (1, 64), (1, 256), (64, 16)].map(|flood| (flood, 0));
        // With little work a core for the flooder doesn't keep one for the server busy.
        let busy = [(0, 0), (1, 1), (1, 64), (64, 4)].map(|flood| (flood, ROUNDS));
        for ((connections, at_once), rounds) in idle.into_iter().chain(busy) {
            if connections * at_once > 256 && raw == Raw::Ruby {
                continue;
            }
            let flooder = match connections {
                0 => None,
                _ => Some(flooder(&uri, connections, at_once, rounds, seconds + 2)?),
            };
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (begun, before) = (Instant::now(), server.cpu()?);
            let latencies = polite(&uri, POLITE, PAUSE, rounds as u64, time).await?;
            let busy = (server.cpu()? - before).as_secs_f64() / begun.elapsed().as_secs_f64();
            let who = match connections {
                0 => "alone".into(),
                1 => format!("beside one with {at_once} at once"),
                _ => format!("beside one with {connections} times {at_once} at once"),
            };
            let works = if rounds > 0 { ", with work to do" } else { "" };
            let who = format!("{name}{works}, {who}");
            let made = match flooder {
                None => String::new(),
                Some(mut flooder) => {
                    let made: f64 = flooder.line()?.trim().parse()?;
                    format!("{:.0}", made / (seconds + 2) as f64)
                }
            };
            let times = [500, 990, 1000].map(|at| milliseconds(latencies.at(at)));
            let busy = format!("{:.0} %", busy * 100.0);
            rows.push([vec![who], times.to_vec(), vec![made, busy]].concat());
        }
    }
    println!("{}", table(&rows));
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
