//! Those who want to be served now and then, beside one who wants everything.

use super::DeskProxy;
use drb::{Address, Client};
use std::{
    fmt,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpSocket, lookup_host},
    task::JoinSet,
    time::{MissedTickBehavior, interval_at, sleep, timeout},
};

/// How long calls have taken.
#[derive(Debug, Clone)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// In whatever order they come.
    pub fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// What so many of a thousand calls don't take longer than.
    pub fn at(&self, thousandth: usize) -> Duration {
        let place = self.0.len().saturating_sub(1) * thousandth / 1000;
        self.0.get(place).copied().unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |at| self.at(at).as_secs_f64() * 1000.0;
        write!(
            f,
            "p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms ({} times)",
            milliseconds(500),
            milliseconds(990),
            milliseconds(1000),
            self.0.len()
        )
    }
}

/// So many clients, each at an address of its own, make a call each `pause` for so long, each of which keeps the server
/// busy for so many rounds.
pub async fn polite(
    uri: &str,
    clients: usize,
    pause: Duration,
    rounds: u64,
    time: Duration,
) -> drb::Result<Latencies> {
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let from = Ipv4Addr::from_bits(POLITE.to_bits() + number as u32);
        let desk: DeskProxy = client_at(from).connect(uri).await?;
        desk.ping().await?;
        tasks.spawn(async move {
            // Not all at the same moment.
            let begin = tokio::time::Instant::now() + pause * number as u32 / clients as u32;
            let mut ticks = interval_at(begin, pause);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (end, mut latencies) = (Instant::now() + time, Vec::new());
            while Instant::now() < end {
                ticks.tick().await;
                let begun = Instant::now();
                desk.work(rounds).await?;
                latencies.push(begun.elapsed());
            }
            Ok::<_, drb::Error>(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(latencies) = tasks.join_next().await {
        all.extend(latencies.map_err(|_| drb::Error::Stopped)??);
    }
    Ok(Latencies::new(all))
}

/// Makes calls over so many connections, and over each of them so many at a time (for which Ruby's wire takes as many
/// connections), one as soon as another is answered, for so long; each keeps the server busy for so many rounds.
/// Gives how many were made.
pub async fn flood(
    uri: &str,
    connections: usize,
    at_once: usize,
    rounds: u64,
    time: Duration,
) -> drb::Result<usize> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let desk: DeskProxy = client_at(FLOODER).connect(uri).await?;
        for _ in 0..at_once {
            tasks.spawn(call_for(desk.clone(), rounds, time));
        }
    }
    Ok(tasks.join_all().await.into_iter().sum())
}

/// Makes one call after the other for so long, and gives how many were made.
async fn call_for(desk: DeskProxy, rounds: u64, time: Duration) -> usize {
    let mut made = 0;
    let calls = async {
        loop {
            match desk.work(rounds).await {
                Ok(_) => made += 1,
                Err(_) => sleep(Duration::from_millis(1)).await,
            }
        }
    };
    let _: Result<(), _> = timeout(time, calls).await;
    made
}

const FLOODER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The address of the first one.
const POLITE: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);

/// A client at one of this machine's addresses, as if it were another machine: servers take those at one address for one
/// peer.
fn client_at(from: Ipv4Addr) -> Client {
    let connect = move |address| async move {
        let Address::Tcp { host, port } = address else {
            return Err(ErrorKind::Unsupported.into());
        };
        let to = lookup_host((host, port)).await?.next().ok_or(ErrorKind::NotFound)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddrV4::new(from, 0).into())?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    Client::builder().connector(connect).build()
}
