//! Calls on Ruby's wire: this crate's client and server beside Ruby's own, taking turns in one run.
//!
//!     cargo bench -p drb --bench calls            (needs a `ruby` with `drb`)
//!     cargo bench -p drb --bench calls -- 5 10    (five rounds of ten seconds)
//!
//! Each contender is two processes. The CPU time is that of both, as the system counts it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// The number of callers at the same time.
const CALLERS: [usize; 2] = [1, 64];

pub struct Service;

#[drb::service]
impl Service {
    pub fn echo(&self, value: i64) -> i64 {
        value
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["server"] => run(serve()),
        ["client", uri, callers, secs] => {
            run(call(uri, callers.parse().unwrap(), secs.parse().unwrap()));
        }
        [] => compare(3, 3.0),
        [rounds, secs] => compare(rounds.parse().unwrap(), secs.parse().unwrap()),
        _ => panic!("usage: calls [rounds seconds]"),
    }
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future);
}

async fn serve() {
    let server = drb::start_service("druby://127.0.0.1:0", Service).await.unwrap();
    println!("{}", server.uri());
    let wait = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    wait.await.unwrap().unwrap();
    std::process::exit(0);
}

async fn call(uri: &str, callers: usize, secs: f64) {
    let service = ServiceProxy::connect(uri).await.unwrap();
    callers_for(&service, callers, 0.3).await;
    turn("begin");
    let start = Instant::now();
    let count = callers_for(&service, callers, secs).await;
    turn(&format!("{count} {}", start.elapsed().as_secs_f64()));
    std::process::exit(0);
}

/// Says something to the process that measures, and waits until it has measured.
fn turn(word: &str) {
    println!("{word}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

async fn callers_for(service: &ServiceProxy, callers: usize, secs: f64) -> u64 {
    let stop = Instant::now() + Duration::from_secs_f64(secs);
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move {
                let mut count = 0;
                while Instant::now() < stop {
                    assert_eq!(service.echo(1_234_567).await.unwrap(), 1_234_567);
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.unwrap();
    }
    count
}

/// What one contender did in one turn.
#[derive(Clone, Copy)]
struct Row {
    per_second: f64,
    /// Microseconds of CPU time per call, of the client and of the server.
    cpu: (f64, f64),
}

fn compare(rounds: usize, secs: f64) {
    println!(
        "{:8} {:>7} {:>14} {:>16} {:>10} {:>10}",
        "", "callers", "calls/s", "CPU us/call", "client", "server"
    );
    for callers in CALLERS {
        let (mut ours, mut rubys) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(measure("drb", callers, secs));
            rubys.push(measure("ruby", callers, secs));
        }
        let (ours, rubys) = (median(ours), median(rubys));
        for (name, row) in [("drb", ours), ("ruby", rubys)] {
            let (client, server) = row.cpu;
            println!(
                "{name:8} {callers:7} {:14.0} {:16.1} {client:10.1} {server:10.1}",
                row.per_second,
                client + server
            );
        }
        println!(
            "{:8} {callers:7} {:13.1}x {:15.1}x",
            "ahead",
            ours.per_second / rubys.per_second,
            (rubys.cpu.0 + rubys.cpu.1) / (ours.cpu.0 + ours.cpu.1)
        );
    }
}

/// The row in the middle, by throughput.
fn median(mut rows: Vec<Row>) -> Row {
    rows.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rows[rows.len() / 2]
}

fn measure(contender: &str, callers: usize, secs: f64) -> Row {
    let mut server = Process::start(contender, &["server"]);
    let uri = server.line();
    let (callers, secs) = (callers.to_string(), secs.to_string());
    let mut client = Process::start(contender, &["client", &uri, &callers, &secs]);
    assert_eq!(client.line(), "begin");
    let before = (client.cpu(), server.cpu());
    client.go();
    let result = client.line();
    let after = (client.cpu(), server.cpu());
    let (count, took) = result.split_once(' ').unwrap();
    let (count, took): (f64, f64) = (count.parse().unwrap(), took.parse().unwrap());
    let per_call = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / count;
    Row {
        per_second: count / took,
        cpu: (per_call(before.0, after.0), per_call(before.1, after.1)),
    }
}

/// A process that answers in lines, and ends when this is dropped.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(contender: &str, args: &[&str]) -> Self {
        let mut command = match contender {
            "ruby" => {
                let mut command = Command::new("ruby");
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/calls.rb"));
                command
            }
            _ => Command::new(std::env::current_exe().unwrap()),
        };
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{contender} cannot be started: {error}"));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn go(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// The CPU time that all threads of the process have used, those that are gone included.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the program, in parentheses, may have spaces in it.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // Linux gives hundredths of a second here on every machine.
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
