//! `drbfire://` between Rust programs, and what others can do at its door.
#![cfg(feature = "fire")]

mod calls;
mod hostile;
mod life;
mod silent;
#[cfg(feature = "tls-dev")]
mod tls;

use drb::{Client, DrbUndumped, Server, prelude::*};
use std::{
    future::Future,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

#[derive(Default, DrbUndumped)]
struct Counter(AtomicU32);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Calls whoever it is given, now or later.
#[derive(Default)]
struct Desk {
    kept: Mutex<Option<CounterProxy>>,
    go: tokio::sync::Notify,
}

#[drb::service]
impl Desk {
    pub fn echo(&self, text: String) -> String {
        text
    }

    pub fn counter(&self) -> Counter {
        Counter::default()
    }

    pub async fn call(&self, counter: CounterProxy) -> drb::Result<u32> {
        counter.inc().await
    }

    pub fn keep(&self, counter: CounterProxy) {
        *self.kept.lock().unwrap() = Some(counter);
    }

    pub async fn call_kept(&self) -> drb::Result<u32> {
        let kept = self.kept.lock().unwrap().clone().unwrap();
        kept.inc().await
    }

    pub async fn each(&self, count: u32, block: Block<(u32,), u32>) -> drb::Result<u32> {
        let mut sum = 0;
        for number in 0..count {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }

    /// Calls back when it is told to.
    pub async fn later(&self, counter: CounterProxy) -> drb::Result<u32> {
        self.go.notified().await;
        counter.inc().await
    }

    /// Calls back before and after that.
    pub async fn sooner_and_later(&self, counter: CounterProxy) -> drb::Result<u32> {
        counter.inc().await?;
        self.go.notified().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        counter.inc().await
    }

    /// Stops the server, and lets `later` go on.
    pub fn stop(&self) {
        drb::current_server().unwrap().stop();
        self.go.notify_waiters();
    }

    /// How many connections have come so far.
    pub fn connections(&self) -> u64 {
        drb::current_server().unwrap().counters().connections
    }

    /// Where the peer reaches this server.
    pub fn uri(&self, #[drb(context)] call: &Context) -> String {
        call.uri().to_owned()
    }
}

/// What a server has refused, in words.
#[derive(Clone, Default)]
struct Refused(Arc<Mutex<Vec<String>>>);

impl Refused {
    /// Waits until there are so many.
    async fn wait_for(&self, count: usize) -> Vec<String> {
        until(|| self.0.lock().unwrap().len() >= count).await;
        self.0.lock().unwrap().clone()
    }
}

async fn start_with(builder: drb::ServerBuilder, uri: &str) -> (Server, Refused) {
    let refused = Refused::default();
    let server = builder
        .front(Desk::default())
        .on_refusal({
            let refused = refused.clone();
            move |refusal| {
                let said = match (refusal.fire, refusal.limit) {
                    (Some(problem), _) => problem.to_string(),
                    (None, Some(limit)) => limit.to_string(),
                    (None, None) => "other".to_owned(),
                };
                refused.0.lock().unwrap().push(said);
            }
        })
        .start(uri)
        .await
        .unwrap();
    (server, refused)
}

async fn start() -> (Server, Refused) {
    start_with(Server::builder(), "drbfire://localhost:0").await
}

/// A server in a process of its own: within one process, references to objects of it don't go over any wire.
struct Elsewhere {
    child: Child,
    uri: String,
}

/// Says to this program that it is to be that process.
const SERVE: &str = "DRB_TEST_FIRE_SERVE";

impl Elsewhere {
    fn start() -> Self {
        Self::start_with("")
    }

    /// Within TLS, with the certificates in a folder, if there is one.
    fn start_with(folder: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_other_process", "--nocapture"]).env(SERVE, folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut uris = lines.filter_map(|line| Some(line.split_once("ready ")?.1.to_owned()));
        let uri = uris.next().expect("it says where it is");
        Self { child, uri }
    }

    async fn behind(&self) -> Server {
        Server::builder().start_behind(&self.uri).await.unwrap()
    }

    async fn desk(&self) -> DeskProxy {
        Client::new().connect(&self.uri).await.unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_other_process() {
    let Ok(folder) = std::env::var(SERVE) else { return };
    let builder = Server::builder();
    #[cfg(feature = "tls-dev")]
    let builder = match &*folder {
        "" => builder,
        folder => builder.tls(tls::requiring_clients(folder.as_ref())),
    };
    #[cfg(not(feature = "tls-dev"))]
    assert_eq!(folder, "", "nobody asks for TLS without it");
    let (server, _) = start_with(builder, "drbfire://localhost:0").await;
    println!("ready {}", server.uri());
    // It ends with the one that has started it.
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await.unwrap();
}

async fn behind(server: &Server) -> Server {
    Server::builder().start_behind(server.uri()).await.unwrap()
}

async fn desk(server: &Server) -> DeskProxy {
    Client::new().connect(server.uri()).await.unwrap()
}

/// Waits until it is so, for a few seconds at most.
async fn until(is: impl Fn() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never comes to that");
}

/// Fails the test if it takes too long.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("it is done soon")
}
