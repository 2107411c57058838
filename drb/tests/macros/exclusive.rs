//! Services with methods that take `&mut self`.

use crate::wires::{On, everywhere};
use drb::{Exclusive, start_service};
use std::sync::Arc;
use tokio::time::{Duration, sleep};

#[derive(Default)]
struct Counter {
    count: u64,
    log: Vec<String>,
}

#[drb::service]
impl Counter {
    pub fn inc(&mut self, by: u64) -> u64 {
        self.count += by;
        self.count
    }

    /// Would lose counts if it didn't have the object to itself.
    pub async fn slow_inc(&mut self) -> u64 {
        let before = self.count;
        sleep(Duration::from_millis(1)).await;
        self.count = before + 1;
        self.count
    }

    #[drb(blocking)]
    pub fn blocking_inc(&mut self) -> u64 {
        let before = self.count;
        std::thread::sleep(Duration::from_millis(1));
        self.count = before + 1;
        self.count
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    #[drb(blocking)]
    pub fn blocking_count(&self) -> u64 {
        self.count
    }

    pub async fn log(&self) -> &[String] {
        &self.log
    }

    pub async fn push(&mut self, line: &str) -> Option<&str> {
        self.log.push(line.to_owned());
        self.log.last().map(String::as_str)
    }
}

everywhere!(flavor = "multi_thread": no_count_is_lost);

async fn no_count_is_lost(wire: On) {
    let counter = Arc::new(Exclusive::new(Counter::default()));
    let server = start_service(wire.at(), Arc::clone(&counter)).await.unwrap();
    let proxy = CounterProxy::connect(&wire.uri(&server)).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let proxy = proxy.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    proxy.inc(1).await.unwrap();
                    proxy.slow_inc().await.unwrap();
                    proxy.blocking_inc().await.unwrap();
                    proxy.count().await.unwrap();
                    proxy.blocking_count().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(proxy.count().await.unwrap(), 240);
    assert_eq!(counter.read().await.count, 240);
    assert_eq!(proxy.push("a").await.unwrap().as_deref(), Some("a"));
    assert_eq!(proxy.log().await.unwrap(), ["a"]);
}
