//! Runs seeds.
//!
//! ```text
//! cargo run --release -p drb-sim -- --seeds 0..100000   many, on all cores
//! cargo run --release -p drb-sim -- --seed 17           one, with all that happens in it
//! ```

use drb_sim::{Run, run};
use std::{
    ops::Range,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

const USAGE: &str = "drb-sim --seeds FROM..TO | --seed NUMBER";

fn main() -> ExitCode {
    drb_sim::quiet();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let passed = match arguments[..] {
        ["--seed", seed] => seed.parse().ok().map(replay),
        ["--seeds", seeds] => range(seeds).map(run_all),
        _ => None,
    };
    match passed {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn range(seeds: &str) -> Option<Range<u64>> {
    let (from, to) = seeds.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

/// Runs one seed and prints its history.
fn replay(seed: u64) -> bool {
    let run = run(seed, None);
    println!("{:#?}", drb_sim::plan::Plan::new(seed));
    run.history.iter().for_each(|record| println!("{record}"));
    println!("fingerprint {:016x}", run.fingerprint());
    run.violations.iter().for_each(|violation| println!("VIOLATION {violation}"));
    run.violations.is_empty()
}

/// Runs many seeds, and says which of them fail.
fn run_all(seeds: Range<u64>) -> bool {
    let begun = Instant::now();
    let (next, done) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let (failed, simulated) = (AtomicU64::new(0), AtomicU64::new(0));
    // The sum of all fingerprints: the same whenever the same seeds are run.
    let (events, together, end) = (AtomicU64::new(0), AtomicU64::new(0), seeds.end);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let run = run(seed, None);
            together.fetch_add(run.fingerprint(), Ordering::Relaxed);
            let Run { history, violations, elapsed } = run;
            events.fetch_add(history.len() as u64, Ordering::Relaxed);
            simulated.fetch_add(elapsed.as_millis() as u64, Ordering::Relaxed);
            if !violations.is_empty() {
                failed.fetch_add(1, Ordering::Relaxed);
                let some: Vec<_> = violations.iter().take(5).map(ToString::to_string).collect();
                println!("seed {seed} fails: {}", some.join(", "));
                println!("    cargo run --release -p drb-sim -- --seed {seed}");
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(5000) {
                eprintln!("{done} seeds in {:.0?}", begun.elapsed());
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        (0..cores).for_each(|_| drop(scope.spawn(work)));
    });
    let (done, failed) = (done.into_inner(), failed.into_inner());
    let took = begun.elapsed();
    let (events, simulated) = (events.into_inner(), Duration::from_millis(simulated.into_inner()));
    let (rate, together) = (done as f64 / took.as_secs_f64(), together.into_inner());
    println!("{done} seeds, {failed} failed; {events} events in {simulated:.1?} of simulated time");
    println!("{took:.1?}, {rate:.0} seeds a second; fingerprint of all {together:016x}");
    failed == 0
}
