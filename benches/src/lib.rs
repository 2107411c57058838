//! What the benchmarks share: processes that are measured, and tables of figures.

pub mod churn;
pub mod crowd;
pub mod secure;

use std::{
    error::Error,
    fmt::Write,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// A server or a client. It is ended when it is dropped.
pub struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it. Its standard input stays open as long as it is to run.
    pub fn start(mut command: Command) -> Result<Self, Box<dyn Error>> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, output })
    }

    /// What it prints next.
    pub fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }

    /// Writes a line to it.
    pub fn tell(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        let input = self.child.stdin.as_mut().ok_or("no standard input")?;
        Ok(std::io::Write::write_all(input, format!("{line}\n").as_bytes())?)
    }

    /// The CPU time that it has used so far, in user mode and in the system.
    pub fn cpu(&self) -> Result<Duration, Box<dyn Error>> {
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

    /// The bytes of memory that it takes up.
    pub fn memory(&self) -> Result<usize, Box<dyn Error>> {
        memory(&self.child.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of memory that a process takes up (`self` is this one): its resident set.
pub fn memory(process: &str) -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
    Ok(kibibytes.parse::<usize>()? << 10)
}

/// Runs a script of the benchmarks in Ruby.
pub fn ruby(script: &str) -> Command {
    let mut command = Command::new("ruby");
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ruby").join(script));
    command
}

/// One thread for all.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Waits until whoever has started this process has seen enough.
pub fn wait_for_end_of_input() {
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
}

/// The figure in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() % 2 {
        0 if middle > 0 => (figures[middle - 1] + figures[middle]) / 2.0,
        _ => figures.get(middle).copied().unwrap_or(f64::NAN),
    }
}

/// A table in the form of Markdown: the first row is its head, numbers stand to the right.
pub fn table(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for (i, row) in rows.iter().enumerate() {
        let _ = writeln!(out, "| {} |", row.join(" | "));
        if i == 0 {
            let _ = writeln!(out, "|---|{}", "--:|".repeat(row.len().saturating_sub(1)));
        }
    }
    out
}
