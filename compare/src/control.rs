//! What the processes of a measurement say to the one that has started them: a server tells its address,
//! and after each line that it reads how much CPU time it has used; a client says that it is ready, and
//! after a line what it has measured.

use rustix::time::{ClockId, clock_gettime};
use std::{
    io::{self, BufRead, Write},
    time::Duration,
};

/// The CPU time of this process so far.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Says where the server is, and goes on to tell its CPU time until whoever asks is gone: then the process
/// ends.
pub fn announce(address: &str) {
    say(address);
    std::thread::spawn(|| {
        while heard() {
            say(&cpu().as_nanos().to_string());
        }
        std::process::exit(0);
    });
}

/// Says a line.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Waits for a line; `false` at the end.
pub fn heard() -> bool {
    matches!(io::stdin().lock().read_line(&mut String::new()), Ok(1..))
}
