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
use tokio::task::spawn_local;

/// What a client is told to do.
pub(crate) struct Job {
    pub(crate) workload: Workload,
    pub(crate) uri: String,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
}

pub(crate) async fn run(wire: Wire, job: Job) -> Result<(), Failed> {
    let connect = || BenchProxy::connect(&job.uri);
    let outcome = match job.workload {
        Workload::Sequential => calls(&job, vec![connect().await?], echo).await?,
        Workload::SideBySide => calls(&job, vec![connect().await?; CALLERS], echo).await?,
        Workload::Connections => {
            let mut benches = Vec::new();
            for _ in 0..CALLERS {
                benches.push(connect().await?);
            }
            calls(&job, benches, echo).await?
        }
        Workload::Blob(size) => {
            calls(&job, vec![(connect().await?, workload::blob(size))], blob).await?
        }
        Workload::Records => {
            calls(&job, vec![(connect().await?, workload::records())], records).await?
        }
        Workload::Callback => {
            be_called(wire).await?;
            calls(&job, vec![(connect().await?, Arc::new(Add(1)))], callback).await?
        }
        Workload::Stream => {
            be_called(wire).await?;
            let bench = vec![connect().await?];
            match wire {
                Wire::Native => calls(&job, bench, stream).await?,
                Wire::Ruby => calls(&job, bench, yields).await?,
            }
        }
        Workload::Export => export(&job.uri).await?,
        Workload::Connect => calls(&job, vec![Arc::from(&*job.uri)], connects).await?,
    };
    control::report(&outcome)?;
    Ok(())
}

/// On Ruby's wire a server calls back over a connection of its own, so who is called back is a server as well.
async fn be_called(wire: Wire) -> Result<(), Failed> {
    drb::start_service(any_port(wire), Add(0)).await?;
    Ok(())
}

async fn echo(bench: &mut BenchProxy) -> Result<u64, Failed> {
    check(bench.echo(NUMBER).await? == NUMBER)?;
    Ok(1)
}

/// The bytes that come back are sent the next time.
async fn blob((bench, blob): &mut (BenchProxy, Vec<u8>)) -> Result<u64, Failed> {
    let sent = blob.len();
    *blob = bench.blob(std::mem::take(blob)).await?;
    check(blob.len() == sent)?;
    Ok(sent as u64)
}

async fn records((bench, records): &mut (BenchProxy, Vec<Record>)) -> Result<u64, Failed> {
    *records = bench.records(&*records).await?;
    check(records.len() as u64 == RECORDS)?;
    Ok(1)
}

async fn callback((bench, add): &mut (BenchProxy, Arc<Add>)) -> Result<u64, Failed> {
    check(bench.callback(NUMBER, &*add).await? == NUMBER + add.0)?;
    Ok(1)
}

async fn stream(bench: &mut BenchProxy) -> Result<u64, Failed> {
    let mut sum = 0;
    let count = ITEMS as i64;
    let mut items = bench.items(count).await?;
    while let Some(item) = items.next().await {
        sum += item?;
    }
    check(sum == count * (count - 1) / 2)?;
    Ok(ITEMS)
}

async fn yields(bench: &mut BenchProxy) -> Result<u64, Failed> {
    let mut sum = 0;
    bench.each(ITEMS, |item| sum += item).await?;
    check(sum == ITEMS * (ITEMS - 1) / 2)?;
    Ok(ITEMS)
}

/// A proxy that connects has a client of its own, which closes when it is dropped.
async fn connects(uri: &mut Arc<str>) -> Result<u64, Failed> {
    echo(&mut BenchProxy::connect(uri).await?).await
}

fn check(right: bool) -> Result<(), Failed> {
    if right { Ok(()) } else { Err("the server has given a wrong answer".into()) }
}

/// Each caller has a task, which calls again and again, first to warm up. A call gives how much it has moved.
async fn calls<T: 'static>(
    job: &Job,
    callers: Vec<T>,
    call: impl AsyncFn(&mut T) -> Result<u64, Failed> + Copy + 'static,
) -> Result<Outcome, Failed> {
    let (callers, _) = all(callers, job.warm_up, call).await?;
    control::begin()?;
    let start = Instant::now();
    let (_callers, tally) = all(callers, job.time, call).await?;
    let time = start.elapsed();
    control::done()?;
    Ok(tally.outcome(time))
}

/// Lets all callers call side by side for so long.
async fn all<T: 'static>(
    callers: Vec<T>,
    time: Duration,
    call: impl AsyncFn(&mut T) -> Result<u64, Failed> + Copy + 'static,
) -> Result<(Vec<T>, Tally), Failed> {
    let end = Instant::now() + time;
    let repeats = callers.into_iter().map(|caller| spawn_local(repeat(caller, end, call)));
    let tasks: Vec<_> = repeats.collect();
    let mut callers = Vec::new();
    let mut sum = Tally::default();
    for task in tasks {
        let (caller, tally) = task.await??;
        callers.push(caller);
        sum.merge(tally);
    }
    Ok((callers, sum))
}

async fn repeat<T>(
    mut caller: T,
    end: Instant,
    call: impl AsyncFn(&mut T) -> Result<u64, Failed>,
) -> Result<(T, Tally), Failed> {
    let mut tally = Tally::default();
    let mut start = Instant::now();
    loop {
        let units = call(&mut caller).await?;
        let now = Instant::now();
        tally.add(now - start, units);
        if now >= end {
            return Ok((caller, tally));
        }
        start = now;
    }
}

async fn export(uri: &str) -> Result<Outcome, Failed> {
    let mut bench: BenchProxy = Client::builder().limits(limits()).build().connect(uri).await?;
    echo(&mut bench).await?;
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
