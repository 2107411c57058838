//! What this process and the one that has started it say to each other, line by line.
//!
//! | who | says | and then |
//! |---|---|---|
//! | server | `ADDR …` when it listens | serves until its standard input ends |
//! | client | `BEGIN` when it is warm | waits for a line, then does what is measured |
//! | client | `DONE` when it has done so | waits for a line, and holds until then what it holds |
//! | client | `RESULT {…}`, in JSON | waits for the end of its standard input |

use std::{
    io::{self, Read, Write},
    time::Duration,
};

/// What a client has measured.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) calls: usize,
    /// What the calls have moved: bytes in one direction, items, references; else the calls.
    pub(crate) units: u64,
    pub(crate) time: Duration,
    /// How long half of the calls took at most, and how long 99 of 100.
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Says where the server listens, and ends the process when nobody needs it any more.
pub(crate) fn announce(uri: &str) -> io::Result<()> {
    say(&format!("ADDR {uri}"))?;
    std::thread::spawn(|| {
        let _ = wait_for_end();
        std::process::exit(0);
    });
    Ok(())
}

/// All is ready; returns when the measurement has begun.
pub(crate) fn begin() -> io::Result<()> {
    say("BEGIN")?;
    wait_for_line()
}

/// What is measured has been done; returns when CPU time and memory have been looked at.
pub(crate) fn done() -> io::Result<()> {
    say("DONE")?;
    wait_for_line()
}

/// Says what came out, and waits until nobody needs the process any more.
pub(crate) fn report(outcome: &Outcome) -> io::Result<()> {
    let Outcome { calls, units, time, p50, p99 } = outcome;
    let (secs, p50, p99) = (time.as_secs_f64(), micros(p50), micros(p99));
    say(&format!(
        r#"RESULT {{"calls":{calls},"units":{units},"secs":{secs},"p50_us":{p50},"p99_us":{p99}}}"#
    ))?;
    wait_for_end()
}

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn wait_for_line() -> io::Result<()> {
    match io::stdin().read_line(&mut String::new())? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nobody measures any more")),
        _ => Ok(()),
    }
}

fn wait_for_end() -> io::Result<()> {
    io::stdin().read_to_end(&mut Vec::new()).map(|_| ())
}
