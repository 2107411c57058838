//! Starts the processes of each measurement, and ends them.

use crate::{Options, contenders::Contender, driver::Result, workload::Workload};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// What a contender has done in one round.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Calls in a second.
    pub rate: f64,
    /// Microseconds of CPU time of both processes for a call.
    pub cpu: f64,
}

/// All of it: for each workload the contenders, each with its rounds.
pub type Results = Vec<(Workload, Vec<Row>)>;

#[derive(Debug)]
pub struct Row {
    pub contender: Contender,
    /// `None` where it failed.
    pub rounds: Vec<Option<Measured>>,
}

/// No step of a measurement takes longer, beside the measurement itself.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn measure(options: &Options) -> Result<Results> {
    let mut contenders = Contender::ALL.to_vec();
    if !has_ruby() {
        eprintln!("there is no Ruby with its library drb, which is left out");
        contenders.retain(|contender| *contender != Contender::Ruby);
    }
    let mut results = Results::new();
    for &workload in &options.workloads {
        let mut rows: Vec<Row> = (contenders.iter())
            .filter(|contender| contender.can(workload))
            .map(|contender| Row { contender: *contender, rounds: Vec::new() })
            .collect();
        for round in 1..=options.rounds {
            for row in &mut rows {
                let measured = once(options, row.contender, workload);
                if let Err(error) = &measured {
                    eprintln!("{}, {}: {error}", workload.name(), row.contender.title());
                }
                row.rounds.push(measured.ok());
            }
            eprintln!("{}: round {round} of {}", workload.title(), options.rounds);
        }
        results.push((workload, rows));
    }
    Ok(results)
}

fn has_ruby() -> bool {
    let tried = Command::new("ruby").args(["-rdrb", "-e", ""]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// A fresh server and a fresh client.
fn once(options: &Options, contender: Contender, workload: Workload) -> Result<Measured> {
    let mut server = Process::start(options, contender, &["server", contender.name()])?;
    let address = server.line(PATIENCE)?;
    let seconds = options.seconds.to_string();
    let arguments = ["client", contender.name(), workload.name(), &address, &seconds];
    let mut client = Process::start(options, contender, &arguments)?;
    if client.line(PATIENCE)? != "ready" {
        return Err("the client isn't ready".into());
    }
    let before = server.cpu()?;
    client.tell()?;
    let line = client.line(Duration::from_secs_f64(options.seconds) + PATIENCE)?;
    let after = server.cpu()?;
    let numbers: Vec<f64> =
        line.split(' ').map(str::parse).collect::<std::result::Result<_, _>>()?;
    match *numbers {
        [calls, wall, cpu] if calls > 0.0 => {
            Ok(Measured { rate: calls / wall * 1e9, cpu: (cpu + after - before) / calls / 1e3 })
        }
        _ => Err(format!("the client says: {line}").into()),
    }
}

/// One of the processes, which ends with this.
struct Process {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl Process {
    fn start(options: &Options, contender: Contender, arguments: &[&str]) -> Result<Self> {
        let own = std::env::current_exe()?;
        let mut words = Vec::new();
        if options.one_core {
            words.extend(["taskset".into(), "-c".into(), "0".into()]);
        }
        if contender == Contender::Ruby {
            words.extend(["ruby".into(), "src/ruby_drb.rb".into()]);
            // It knows who it is.
            let arguments = arguments.iter().filter(|argument| **argument != contender.name());
            words.extend(arguments.map(|argument| (*argument).into()));
        } else {
            words.push(own.into_os_string());
            words.extend(arguments.iter().map(|argument| (*argument).into()));
        }
        let (program, rest) = words.split_first().ok_or("nothing to start")?;
        let mut command = Command::new(program);
        command.args(rest).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = child.stdout.take().ok_or("no output")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || read(output, &sender));
        Ok(Self { child, input, lines })
    }

    fn line(&self, patience: Duration) -> Result<String> {
        Ok(self.lines.recv_timeout(patience)?)
    }

    fn tell(&mut self) -> Result<()> {
        Ok(self.input.write_all(b"\n").and_then(|()| self.input.flush())?)
    }

    /// The CPU time that a server has used, in nanoseconds.
    fn cpu(&mut self) -> Result<f64> {
        self.tell()?;
        Ok(self.line(PATIENCE)?.parse()?)
    }
}

fn read(output: ChildStdout, lines: &mpsc::Sender<String>) {
    for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
        if lines.send(line).is_err() {
            return;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
