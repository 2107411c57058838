//! Servers that are restarted again and again while they are called: each call that was accepted comes to
//! its end, and each caller is told the truth.

mod wires;

use drb::{Client, DrbUndumped, Error, Outcome, Server};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use wires::{On, on_both_wires};

const SOON: Duration = Duration::from_secs(20);
const RESTARTS: usize = 25;
const CALLERS: u64 = 8;

/// Writes down what was begun, and what came to its end.
#[derive(Default, DrbUndumped)]
struct Ledger(Mutex<HashMap<u64, [u32; 2]>>);

#[drb::service]
impl Ledger {
    pub async fn write(&self, key: u64, millis: u64) -> u64 {
        self.count(key, 0);
        sleep(Duration::from_millis(millis)).await;
        self.count(key, 1);
        key
    }

    fn count(&self, key: u64, place: usize) {
        self.0.lock().unwrap().entry(key).or_default()[place] += 1;
    }
}

mod restarted {
    use super::no_call_is_lost_that_was_accepted;

    crate::wires::on_both_wires!(flavor = "multi_thread": no_call_is_lost_that_was_accepted);
}

on_both_wires!(what_takes_too_long_is_cut_off);

#[derive(Debug, Default)]
struct Told {
    answered: Vec<u64>,
    not_executed: Vec<u64>,
    unknown: Vec<u64>,
}

async fn start(ledger: &Arc<Ledger>, uri: &str) -> Server {
    let begun = Instant::now();
    loop {
        match Server::builder().front(Arc::clone(ledger)).start(uri).await {
            Ok(server) => return server,
            // The system may still have something at the old one's port.
            Err(error) => assert!(begun.elapsed() < SOON, "{error}"),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn no_call_is_lost_that_was_accepted(wire: On) {
    let ledger = Arc::new(Ledger::default());
    let mut server = start(&ledger, "druby://127.0.0.1:0").await;
    let (listens, uri) = (server.uri().to_owned(), wire.elsewhere(&server));
    let (keys, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (keys, over, uri) = (Arc::clone(&keys), Arc::clone(&over), uri.clone());
        callers.spawn(async move {
            let proxy: LedgerProxy = Client::new().connect(&uri).await.unwrap();
            let mut told = Told::default();
            while !over.load(Ordering::Relaxed) {
                let key = keys.fetch_add(1, Ordering::Relaxed);
                match proxy.write(key, key % 20).await {
                    Ok(written) => {
                        assert_eq!(written, key);
                        told.answered.push(key);
                    }
                    Err(error) => {
                        match error.outcome() {
                            Outcome::NotExecuted => told.not_executed.push(key),
                            Outcome::Unknown => told.unknown.push(key),
                            Outcome::Executed => panic!("{error:?}"),
                        }
                        sleep(Duration::from_millis(1)).await;
                    }
                }
            }
            told
        });
    }
    for _ in 0..RESTARTS {
        // Each of them has had something to do.
        let (begun, seen) = (Instant::now(), keys.load(Ordering::Relaxed));
        while keys.load(Ordering::Relaxed) < seen + 50 {
            assert!(begun.elapsed() < SOON);
            sleep(Duration::from_millis(2)).await;
        }
        assert!(server.drain(SOON).await, "what runs comes to its end");
        server = start(&ledger, &listens).await;
    }
    over.store(true, Ordering::Relaxed);
    let told = callers.join_all().await;
    assert!(server.drain(SOON).await);

    let ledger = ledger.0.lock().unwrap();
    assert!(ledger.values().all(|count| *count == [1, 1]), "each once, and to its end");
    let [mut answered, mut not_executed, mut unknown] = [0, 0, 0];
    for told in &told {
        answered += told.answered.len();
        not_executed += told.not_executed.len();
        unknown += told.unknown.len();
        assert!(told.answered.iter().all(|key| ledger.contains_key(key)));
        assert!(told.not_executed.iter().all(|key| !ledger.contains_key(key)));
        // Of these it isn't known; but a server that was asked to stop has answered what it has run.
        assert!(told.unknown.iter().all(|key| !ledger.contains_key(key)), "an answer was lost");
    }
    assert_eq!(ledger.len(), answered);
    assert!(answered >= 10 * RESTARTS, "{answered}, {not_executed}, {unknown}");
    if wire == On::Native {
        // A server says which calls it has not taken.
        assert_eq!(unknown, 0);
    }
}

async fn what_takes_too_long_is_cut_off(wire: On) {
    let ledger = Arc::new(Ledger::default());
    let server = start(&ledger, "druby://127.0.0.1:0").await;
    let proxy: LedgerProxy = Client::new().connect(&wire.elsewhere(&server)).await.unwrap();
    let call = tokio::spawn(async move { proxy.write(1, 3_600_000).no_deadline().await });
    let begun = Instant::now();
    while ledger.0.lock().unwrap().is_empty() {
        assert!(begun.elapsed() < SOON);
        sleep(Duration::from_millis(2)).await;
    }
    let (begun, bound) = (Instant::now(), Duration::from_millis(200));
    assert!(!server.drain(bound).await);
    assert!((bound..bound + Duration::from_secs(5)).contains(&begun.elapsed()));
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { outcome: Outcome::Unknown, .. }), "{error:?}");
    assert_eq!(ledger.0.lock().unwrap()[&1], [1, 0]);
}
