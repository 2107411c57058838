//! The client's side: makes the calls of a workload and measures how long they take.

use crate::{
    Failed, Wire, control,
    control::Outcome,
    server::{any_port, limits},
    service::{Add, BenchProxy, HolderProxy},
    workload::{self, CALLERS, EXPORTS, ITEMS, NUMBER, RECORDS, Record, Workload},
};
use drb::Client;
use futures_util::StreamExt;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What a client is told to do.
pub(crate) struct Job {
    pub(crate) workload: Workload,
    pub(crate) uri: String,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
}

pub(crate) async fn run(wire: Wire, job: Job) -> Result<(), Failed> {
    let outcome = match job.workload {
        Workload::Export => export(&job.uri).await?,
        _ => calls(wire, &job).await?,
    };
    control::report(&outcome)?;
    Ok(())
}

/// One task, and what it does again and again.
enum Caller {
    Echo(BenchProxy),
    /// The bytes that come back are sent the next time.
    Blob(BenchProxy, Vec<u8>),
    Records(BenchProxy, Vec<Record>),
    Callback(BenchProxy, Arc<Add>),
    Stream(BenchProxy),
    Yields(BenchProxy),
    Connect(String),
}

impl Caller {
    /// Calls once; gives what the call has moved.
    async fn call(&mut self) -> Result<u64, Failed> {
        match self {
            Self::Echo(bench) => {
                check(bench.echo(NUMBER).await? == NUMBER)?;
                Ok(1)
            }
            Self::Blob(bench, blob) => {
                let sent = blob.len();
                *blob = bench.blob(std::mem::take(blob)).await?;
                check(blob.len() == sent)?;
                Ok(sent as u64)
            }
            Self::Records(bench, records) => {
                *records = bench.records(&*records).await?;
                check(records.len() as u64 == RECORDS)?;
                Ok(1)
            }
            Self::Callback(bench, add) => {
                check(bench.callback(NUMBER, &*add).await? == NUMBER + add.0)?;
                Ok(1)
            }
            Self::Stream(bench) => {
                let mut sum = 0;
                let count = ITEMS as i64;
                let mut items = bench.items(count).await?;
                while let Some(item) = items.next().await {
                    sum += item?;
                }
                check(sum == count * (count - 1) / 2)?;
                Ok(ITEMS)
            }
            Self::Yields(bench) => {
                let mut sum = 0;
                bench.each(ITEMS, |item| sum += item).await?;
                check(sum == ITEMS * (ITEMS - 1) / 2)?;
                Ok(ITEMS)
            }
            Self::Connect(uri) => {
                // A proxy that connects has a client of its own, which closes when it is dropped.
                let bench = BenchProxy::connect(uri).await?;
                check(bench.echo(NUMBER).await? == NUMBER)?;
                Ok(1)
            }
        }
    }
}

fn check(right: bool) -> Result<(), Failed> {
    if right { Ok(()) } else { Err("the server has given a wrong answer".into()) }
}

/// The tasks of a workload. On Ruby's wire a server calls back over a connection of its own, so who is
/// called back is a server as well.
async fn callers(wire: Wire, job: &Job) -> Result<Vec<Caller>, Failed> {
    let connect = || BenchProxy::connect(&job.uri);
    Ok(match job.workload {
        Workload::Sequential => vec![Caller::Echo(connect().await?)],
        Workload::SideBySide => {
            let bench = connect().await?;
            (0..CALLERS).map(|_| Caller::Echo(bench.clone())).collect()
        }
        Workload::Connections => {
            let mut callers = Vec::new();
            for _ in 0..CALLERS {
                callers.push(Caller::Echo(connect().await?));
            }
            callers
        }
        Workload::Blob(size) => vec![Caller::Blob(connect().await?, workload::blob(size))],
        Workload::Records => vec![Caller::Records(connect().await?, workload::records())],
        Workload::Callback => {
            drb::start_service(any_port(wire), Add(0)).await?;
            vec![Caller::Callback(connect().await?, Arc::new(Add(1)))]
        }
        Workload::Stream => {
            drb::start_service(any_port(wire), Add(0)).await?;
            match wire {
                Wire::Native => vec![Caller::Stream(connect().await?)],
                Wire::Ruby => vec![Caller::Yields(connect().await?)],
            }
        }
        Workload::Connect => vec![Caller::Connect(job.uri.clone())],
        Workload::Export => return Err("it makes no such calls".into()),
    })
}

async fn calls(wire: Wire, job: &Job) -> Result<Outcome, Failed> {
    let callers = callers(wire, job).await?;
    let (callers, _) = all(callers, job.warm_up).await?;
    control::begin()?;
    let start = Instant::now();
    let (_callers, tally) = all(callers, job.time).await?;
    let time = start.elapsed();
    control::done()?;
    Ok(tally.outcome(time))
}

/// Lets all callers call side by side for so long.
async fn all(callers: Vec<Caller>, time: Duration) -> Result<(Vec<Caller>, Tally), Failed> {
    let end = Instant::now() + time;
    let tasks: Vec<_> =
        callers.into_iter().map(|caller| tokio::spawn(repeat(caller, end))).collect();
    let mut callers = Vec::new();
    let mut sum = Tally::default();
    for task in tasks {
        let (caller, tally) = task.await??;
        callers.push(caller);
        sum.merge(tally);
    }
    Ok((callers, sum))
}

async fn repeat(mut caller: Caller, end: Instant) -> Result<(Caller, Tally), Failed> {
    let mut tally = Tally::default();
    let mut start = Instant::now();
    loop {
        let units = caller.call().await?;
        let now = Instant::now();
        tally.add(now - start, units);
        if now >= end {
            return Ok((caller, tally));
        }
        start = now;
    }
}

async fn export(uri: &str) -> Result<Outcome, Failed> {
    let bench: BenchProxy = Client::builder().limits(limits()).build().connect(uri).await?;
    check(bench.echo(NUMBER).await? == NUMBER)?;
    control::begin()?;
    let start = Instant::now();
    let holders: Vec<HolderProxy> = bench.export(EXPORTS).await?;
    let mut tally = Tally::default();
    let time = start.elapsed();
    tally.add(time, EXPORTS);
    control::done()?;
    check(holders.len() as u64 == EXPORTS)?;
    for number in [0, EXPORTS / 2, EXPORTS - 1] {
        let holder = holders.get(number as usize).ok_or("a reference is missing")?;
        check(holder.value().await? == number)?;
    }
    Ok(tally.outcome(time))
}

/// The calls that were made.
#[derive(Default)]
struct Tally {
    /// How long each took, in nanoseconds.
    times: Vec<u32>,
    units: u64,
}

impl Tally {
    fn add(&mut self, time: Duration, units: u64) {
        self.times.push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
        self.units += units;
    }

    fn merge(&mut self, other: Self) {
        self.times.extend(other.times);
        self.units += other.units;
    }

    fn outcome(mut self, time: Duration) -> Outcome {
        self.times.sort_unstable();
        let calls = self.times.len();
        let quantile = |share: f64| {
            let index = (calls.saturating_sub(1) as f64 * share) as usize;
            Duration::from_nanos(self.times.get(index).copied().unwrap_or_default().into())
        };
        Outcome { calls, units: self.units, time, p50: quantile(0.5), p99: quantile(0.99) }
    }
}
