//! `drbfire://` with Ruby at the other end. A program of its own: it has servers behind others.
//!
//! Ruby's side is `tests/ruby/fire/drb/drbfire.rb`, which is written from the protocol's description, since the gem can
//! neither be had everywhere nor works as it is with a Ruby of today. `DRBFIRE=FOLDER` takes what is there instead.

#[cfg(target_os = "linux")]
mod apart;
mod ruby_client;
mod ruby_server;

use drb::{DrbUndumped, prelude::*};
use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

#[derive(Default, DrbUndumped)]
struct Counter(AtomicU32);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Called by Ruby; and in Ruby (`tests/ruby/fire_server.rb`), which is called with the same proxy.
#[derive(Default)]
struct Desk(Mutex<Option<CounterProxy>>);

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
        *self.0.lock().unwrap() = Some(counter);
    }

    pub async fn call_kept(&self) -> drb::Result<u32> {
        let kept = self.0.lock().unwrap().clone().unwrap();
        kept.inc().await
    }

    pub async fn each(&self, count: u32, block: Block<(u32,), u32>) -> drb::Result<u32> {
        let mut sum = 0;
        for number in 0..count {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }
}
