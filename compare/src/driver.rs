//! The client's side of a measurement.

use crate::{
    control,
    workload::{Record, TASKS, Workload, records},
};
use std::{
    error::Error,
    future::Future,
    time::{Duration, Instant},
};

/// What a client is to do.
pub struct Job {
    pub workload: Workload,
    pub address: String,
    pub length: Duration,
}

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A connection to a contender's server.
pub trait Caller: Sized + Send + 'static {
    async fn connect(address: &str) -> Result<Self>;

    /// Another caller over the same connection, if it can be shared.
    fn share(&self) -> Option<Self>;

    fn echo(&mut self, number: i64) -> impl Future<Output = Result<i64>> + Send;

    async fn bytes(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>>;

    async fn records(&mut self, records: &[Record]) -> Result<Vec<Record>>;

    /// The server asks the client for the number's successor.
    async fn callback(&mut self, number: i64) -> Result<i64>;
}

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_millis(200);

/// Warms up, says so, and measures when it is told to.
pub async fn run<C: Caller>(job: Job) -> Result<()> {
    let mut caller = C::connect(&job.address).await?;
    work(&mut caller, job.workload, WARM_UP).await?;
    control::say("ready");
    if !control::heard() {
        return Err("nobody has asked for it".into());
    }
    let (begun, cpu) = (Instant::now(), control::cpu());
    let calls = work(&mut caller, job.workload, job.length).await?;
    let (wall, cpu) = (begun.elapsed(), control::cpu() - cpu);
    control::say(&format!("{calls} {} {}", wall.as_nanos(), cpu.as_nanos()));
    Ok(())
}

/// Does it for so long, and says how often.
async fn work<C: Caller>(caller: &mut C, workload: Workload, length: Duration) -> Result<u64> {
    let until = Instant::now() + length;
    match workload {
        Workload::Sequential => echo(caller, until).await,
        Workload::Tasks => {
            let mut tasks = Vec::new();
            for _ in 0..TASKS {
                let mut caller = caller.share().ok_or("it cannot be shared")?;
                tasks.push(tokio::spawn(async move { echo(&mut caller, until).await }));
            }
            let mut calls = 0;
            for task in tasks {
                calls += task.await??;
            }
            Ok(calls)
        }
        Workload::Bytes64K => bytes(caller, 64 << 10, until).await,
        Workload::Bytes1M => bytes(caller, 1 << 20, until).await,
        Workload::Records => {
            let (records, mut calls) = (records(), 0);
            while Instant::now() < until {
                let back = caller.records(&records).await?;
                check(back.len() == records.len() && back.last() == records.last())?;
                calls += 1;
            }
            Ok(calls)
        }
        Workload::Callback => {
            let mut calls = 0;
            while Instant::now() < until {
                check(caller.callback(calls).await? == calls + 1)?;
                calls += 1;
            }
            Ok(calls.unsigned_abs())
        }
    }
}

async fn echo<C: Caller>(caller: &mut C, until: Instant) -> Result<u64> {
    let mut calls = 0;
    while Instant::now() < until {
        check(caller.echo(calls).await? == calls)?;
        calls += 1;
    }
    Ok(calls.unsigned_abs())
}

async fn bytes<C: Caller>(caller: &mut C, len: usize, until: Instant) -> Result<u64> {
    // What comes back goes there again.
    let (mut bytes, mut calls) = (vec![7; len], 0);
    while Instant::now() < until {
        bytes = caller.bytes(bytes).await?;
        check(bytes.len() == len && bytes.last() == Some(&7))?;
        calls += 1;
    }
    Ok(calls)
}

fn check(holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err("what came back is not what was sent".into()) }
}
