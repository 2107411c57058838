//! A million cancelled calls, ten thousand panics, ten million objects that come and go over sockets; and
//! nothing is left, lost or repeated:
//! `cargo run --release -p drb-benches --bin churn [-- CANCELS PANICS CYCLES [SEED]]`
//!
//! A zero leaves one of them out.

use drb_benches::churn::{Failed, Figures, cancelled, exported, panicked, quietly};
use std::{process::ExitCode, time::SystemTime};

/// So many bytes more the process may take at the end than after a tenth of a run.
const GROWTH: usize = 8 << 20;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let numbers = words.iter().map(|word| word.parse::<u64>()).collect::<Result<Vec<_>, _>>()?;
    let (counts, seed) = match *numbers {
        [] => ([1_000_000, 10_000, 10_000_000], random()?),
        [cancels, panics, cycles] => ([cancels, panics, cycles], random()?),
        [cancels, panics, cycles, seed] => ([cancels, panics, cycles], seed),
        _ => return Err("three counts are needed, and a seed if it is to be a certain one".into()),
    };
    let [cancels, panics, cycles] = counts.map(|count| count as usize);
    println!("seed {seed}, {GROWTH} bytes more are allowed at the end than after a tenth");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let show = |figures: Result<Figures, Failed>| {
        let figures = figures.map_err(|error| format!("seed {seed}: {error}"))?;
        println!("{figures}");
        match figures.growth() {
            0..=GROWTH => Ok(()),
            growth => Err(Failed::from(format!("seed {seed}: {growth} bytes more at the end"))),
        }
    };
    if cancels > 0 {
        show(runtime.block_on(cancelled(cancels, seed)))?;
    }
    if panics > 0 {
        show(quietly(|| runtime.block_on(panicked(panics, seed))))?;
    }
    if cycles > 0 {
        show(runtime.block_on(exported(cycles, seed)))?;
    }
    Ok(())
}

/// A seed from the clock.
fn random() -> Result<u64, Failed> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(u64::from(now.subsec_nanos()))
}
