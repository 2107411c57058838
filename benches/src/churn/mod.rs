//! Whether anything is left, lost or repeated where much is cancelled, panics, or comes and goes: over
//! sockets on loopback, on the native wire, both sides in this process.

mod cancels;
mod cycles;
mod ledger;
mod panics;
mod works;

use crate::memory;
use drb::{Client, Limits, Server, Usage};
use ledger::Ledger;
use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use works::{Works, WorksProxy};

pub use cancels::cancelled;
pub use cycles::exported;
pub use panics::{panicked, quietly};

/// What goes wrong, in words.
pub type Failed = Box<dyn Error + Send + Sync>;

/// So many connections there are, each of a client of its own.
const CLIENTS: usize = 4;
/// So many tasks call over each.
const TASKS: usize = 16;
/// No wait takes longer.
const BOUND: Duration = Duration::from_secs(60);

/// How a run has gone in which everything held.
#[derive(Debug)]
pub struct Figures {
    what: &'static str,
    wanted: usize,
    /// What else was counted.
    besides: String,
    seed: u64,
    /// The process's memory after a tenth, and at the end.
    memory: [usize; 2],
    took: Duration,
}

impl Figures {
    /// How much more memory the process takes at the end than after a tenth of the run.
    pub fn growth(&self) -> usize {
        self.memory[1].saturating_sub(self.memory[0])
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, wanted, besides, seed, memory, took } = self;
        let [tenth, end] = memory.map(|bytes| bytes as f64 / f64::from(1 << 20));
        write!(
            f,
            "{wanted} {what} ({besides}; seed {seed}): tables empty, {tenth:.1} MiB after a tenth, \
             {end:.1} MiB at the end, {:.1} s",
            took.as_secs_f64()
        )
    }
}

/// A server, and what its clients do.
struct Run {
    ledger: Arc<Ledger>,
    server: Server,
    clients: Vec<(Client, WorksProxy)>,
    progress: Arc<Progress>,
    begun: Instant,
}

/// How much has been done.
struct Progress {
    done: AtomicUsize,
    wanted: usize,
    after_tenth: AtomicUsize,
}

impl Progress {
    /// So much more has been done.
    fn add(&self, count: usize) -> Result<(), Failed> {
        let before = self.done.fetch_add(count, Ordering::Relaxed);
        let tenth = self.wanted / 10;
        if (before..before + count).contains(&tenth) {
            self.after_tenth.store(memory("self").map_err(text)?, Ordering::Relaxed);
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.done.load(Ordering::Relaxed) >= self.wanted
    }
}

fn text(error: impl fmt::Display) -> Failed {
    error.to_string().into()
}

/// What one task does until there is enough, with random numbers of its own.
type Work = Pin<Box<dyn Future<Output = Result<(), Failed>> + Send>>;

impl Run {
    /// `calls` is how many there may be.
    async fn start(calls: usize, wanted: usize) -> Result<Self, Failed> {
        let ledger = Ledger::new(calls);
        // A cancelled call counts until its method has ended; none is to be refused here, and no cancel
        // to wait.
        let (calls, cancels) = (4096, 1 << 30);
        let limits = Limits { calls, cancels, deadline: BOUND, ..Limits::default() };
        let builder = Server::builder().front(Works::new(&ledger)).limits(limits);
        let server = builder.start("druby://127.0.0.1:0").await?;
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let client = Client::builder().limits(limits).build();
            let proxy = client.connect(server.native_uri()).await?;
            clients.push((client, proxy));
        }
        let (done, after_tenth) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let progress = Arc::new(Progress { done, wanted, after_tenth });
        Ok(Self { ledger, server, clients, progress, begun: Instant::now() })
    }

    /// Lets the tasks do it side by side.
    async fn work(&self, seed: u64, work: impl Fn(Task) -> Work) -> Result<(), Failed> {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..CLIENTS * TASKS {
            let (_, works) = &self.clients[number % CLIENTS];
            let random = Random::new(seed, number as u64);
            let (ledger, progress) = (Arc::clone(&self.ledger), Arc::clone(&self.progress));
            tasks.spawn(work(Task { works: works.clone(), ledger, progress, random }));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Nobody needs anything any more: nothing is left, and every call has had one end.
    async fn finish(
        self,
        what: &'static str,
        besides: String,
        seed: u64,
    ) -> Result<Figures, Failed> {
        let Self { ledger, server, clients, progress, begun } = self;
        let wanted = progress.wanted;
        settled("calls that run and objects", || (ledger.running(), ledger.alive()), (0, 0))
            .await?;
        let own = |usage: Usage| (usage.exported, usage.imported);
        settled("the server's tables", || own(server.usage()), (0, 0)).await?;
        for (client, _) in &clients {
            settled("a client's tables", || own(client.usage()), (0, 0)).await?;
        }
        let connections = server.usage().connections;
        if connections != CLIENTS {
            return Err(format!("there were {connections} connections instead of {CLIENTS}").into());
        }
        let at_end = memory("self").map_err(text)?;
        let clients: Vec<_> = clients.into_iter().map(|(client, _)| client).collect();
        settled("the server's connections", || server.usage(), Usage::default()).await?;
        for client in &clients {
            settled("a client's connections", || client.usage(), Usage::default()).await?;
        }
        if !server.drain(BOUND).await {
            return Err("the server thinks that calls run".into());
        }
        if !server.holders().is_empty() {
            return Err("the server's table is not empty".into());
        }
        ledger.check()?;
        let memory = [progress.after_tenth.load(Ordering::Relaxed), at_end];
        Ok(Figures { what, wanted, besides, seed, memory, took: begun.elapsed() })
    }
}

/// What one of the tasks has.
struct Task {
    works: WorksProxy,
    ledger: Arc<Ledger>,
    progress: Arc<Progress>,
    random: Random,
}

/// Waits until something is as it should be.
async fn settled<T: PartialEq + fmt::Debug>(
    what: &str,
    is: impl Fn() -> T,
    should_be: T,
) -> Result<(), Failed> {
    let end = Instant::now() + BOUND;
    loop {
        let now = is();
        if now == should_be {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("{what}: {now:?} is left").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Random numbers that follow from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of so many numbers, from zero on.
    fn below(&mut self, count: u64) -> u64 {
        self.next() % count.max(1)
    }
}
