//! Many peers at once: some that only hold a connection, some that say nothing or too little, one that
//! asks for too much, and those that just want to be served.

mod bytes;
mod polite;

pub use bytes::Raw;
pub use polite::{Latencies, flood, polite};

use crate::secure;
use drb::{Client, Limits, Server};
use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

/// What is called.
pub struct Desk;

#[drb::service]
impl Desk {
    /// Costs next to nothing.
    pub fn ping(&self) {}

    /// Keeps a core busy for so many rounds, of which some hundred take a microsecond.
    pub fn work(&self, rounds: u64) -> u64 {
        (0..rounds).fold(1, |number, round| std::hint::black_box(number ^ round).wrapping_mul(3))
    }
}

/// The server, with room for some beside ten thousand, which is as many as it holds without a word; within TLS, if
/// there is a folder of certificates. Both wires are served at its URI, which is one of Ruby's.
pub async fn serve(certificates: Option<&str>) -> Result<Server, Box<dyn Error>> {
    let limits = Limits { connections: 12_000, ..Limits::default() };
    let scheme = if certificates.is_some() { "drbssl" } else { "druby" };
    let builder = secure::server(certificates)?.front(Desk).limits(limits);
    Ok(builder.start(format!("{scheme}://127.0.0.1:0")).await?)
}

/// The address in a URI of the server.
pub fn address(uri: &str) -> &str {
    uri.split_once("//").map_or(uri, |(_, address)| address)
}

/// Holds so many connections, over each of which one call was made.
pub async fn hold(address: &str, raw: Raw, count: usize) -> io::Result<Vec<TcpStream>> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(raw.called(TcpStream::connect(address).await?).await?);
    }
    Ok(held)
}

/// The same within TLS.
#[cfg(feature = "tls")]
pub async fn hold_within_tls(
    address: &str,
    raw: Raw,
    count: usize,
    certificates: &str,
) -> Result<Vec<impl Send + use<>>, Box<dyn Error>> {
    let connector = secure::connector(certificates)?;
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = TcpStream::connect(address).await?;
        held.push(raw.called(secure::within(&connector, stream).await?).await?);
    }
    Ok(held)
}

/// Peers that harm as long as this is there.
#[derive(Default)]
pub struct Harm {
    tasks: JoinSet<()>,
    /// How many of them have a connection at the moment.
    open: Arc<AtomicUsize>,
}

impl Harm {
    /// So many that connect and say nothing. One that is disconnected comes back after `pause`.
    pub fn silent(&mut self, address: &str, count: usize, pause: Duration) {
        for _ in 0..count {
            let (address, open) = (address.to_owned(), Arc::clone(&self.open));
            self.tasks.spawn(async move {
                loop {
                    if let Ok(mut stream) = TcpStream::connect(&address).await {
                        open.fetch_add(1, Ordering::Relaxed);
                        while matches!(stream.read(&mut [0; 64]).await, Ok(1..)) {}
                        open.fetch_sub(1, Ordering::Relaxed);
                    }
                    sleep(pause).await;
                }
            });
        }
    }

    /// So many that greet, begin a message, and go on with it by a byte each `pause`.
    pub fn trickling(&mut self, address: &str, raw: Raw, count: usize, pause: Duration) {
        for _ in 0..count {
            let (address, open) = (address.to_owned(), Arc::clone(&self.open));
            self.tasks.spawn(async move {
                loop {
                    if let Ok(mut stream) = TcpStream::connect(&address).await {
                        open.fetch_add(1, Ordering::Relaxed);
                        let begun = stream.write_all(raw.begun()).await;
                        while begun.is_ok() && stream.write_all(&[0]).await.is_ok() {
                            sleep(pause).await;
                        }
                        open.fetch_sub(1, Ordering::Relaxed);
                    }
                    sleep(pause).await;
                }
            });
        }
    }

    /// How many connections they have.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// How long it takes somebody who has done nothing wrong, and is made by `client`, to connect and to be answered, so
/// many times. One that is refused tries again at once, and its time goes on.
pub async fn newcomers(
    client: impl Fn() -> Client,
    uri: &str,
    count: usize,
    pause: Duration,
) -> drb::Result<(Latencies, usize)> {
    let (mut latencies, mut refused) = (Vec::with_capacity(count), 0);
    for _ in 0..count {
        // On Ruby's wire connections are kept for the next call of the same client.
        let client = client();
        let begun = Instant::now();
        while let Err(error) = newcomer(&client, uri).await {
            refused += 1;
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(error);
            }
        }
        latencies.push(begun.elapsed());
        sleep(pause).await;
    }
    Ok((Latencies::new(latencies), refused))
}

async fn newcomer(client: &Client, uri: &str) -> drb::Result<()> {
    let desk: DeskProxy = client.connect(uri).await?;
    desk.ping().await
}
