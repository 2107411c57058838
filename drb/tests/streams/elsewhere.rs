//! Streams between two processes.

use crate::{
    all, bounded,
    store::{Store, StoreProxy},
};
use drb::Client;
use futures_util::{StreamExt, stream};
use std::{io::BufRead, time::Duration};

/// A store in a process of its own: only so is Ruby's wire between it and this one.
struct Elsewhere(std::process::Child);

impl Elsewhere {
    fn start() -> (Self, String) {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "elsewhere::serves_another_process", "--nocapture"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let uri = lines.map(Result::unwrap).find_map(|line| {
            line.split_once("druby://").map(|(_, rest)| format!("druby://{rest}"))
        });
        (Self(child), uri.unwrap())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// No test of its own: the one below starts this program anew to run nothing but this, until it kills it.
#[tokio::test]
#[ignore = "the other process of `over_ruby_s_wire_to_another_process`, which runs it; by itself it only waits"]
async fn serves_another_process() {
    let store = Store::default();
    let seen = store.seen.clone();
    let server = drb::start_service("druby://127.0.0.1:0", store).await.unwrap();
    println!("{}", server.uri());
    // Until it is killed, and not for long if nobody does.
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(seen);
}

#[tokio::test]
async fn over_ruby_s_wire_to_another_process() {
    let (elsewhere, uri) = Elsewhere::start();
    let _back = drb::start_service("druby://127.0.0.1:0", ()).await.unwrap();
    let store: StoreProxy = Client::new().connect(&uri).await.unwrap();
    let numbers = all(store.numbers(20_000).await.unwrap()).await;
    assert!(numbers.into_iter().eq((0..20_000).map(Ok)));
    assert_eq!(bounded(store.sum(stream::iter(0..20_000_i64))).await.unwrap(), 199_990_000);
    let items = all(store.panics(100).await.unwrap()).await;
    assert!(matches!(items.last(), Some(Err(drb::Error::Panicked { .. }))));
    // One that is dropped, while its reader waits and while it doesn't.
    let mut numbers = store.numbers(i64::MAX).await.unwrap();
    assert_eq!(bounded(numbers.next()).await, Some(Ok(0)));
    let mut silent = store.silent().await.unwrap();
    assert_eq!(bounded(silent.next()).await, Some(Ok(1)));
    assert_eq!(store.alive().await.unwrap(), 2);
    drop(numbers);
    drop(silent);
    let ended = async {
        while store.alive().await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    bounded(ended).await;
    // And one whose process dies.
    let mut silent = store.silent().await.unwrap();
    for number in 1..4 {
        assert_eq!(bounded(silent.next()).await, Some(Ok(number)));
    }
    drop(elsewhere);
    let last = bounded(silent.next()).await;
    assert!(matches!(last, Some(Err(drb::Error::ConnectionLost { .. }))), "{last:?}");
    assert!(bounded(silent.next()).await.is_none());
}
