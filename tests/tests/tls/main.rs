//! `drbssl://` with Ruby's `drb/ssl` at the other end. A program of its own: its first server is one with
//! TLS, where Ruby calls back.

mod ruby_client;
mod ruby_server;

use drb::{Context, DrbUndumped, Identity, prelude::*};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Default, DrbUndumped)]
struct Counter(AtomicU32);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Called by Ruby; and in Ruby (`tests/ruby/tls_server.rb`), which is called with the same proxy.
struct Desk;

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

    pub async fn each(&self, count: u32, block: Block<(u32,), u32>) -> drb::Result<u32> {
        let mut sum = 0;
        for number in 0..count {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }

    pub fn who(&self, #[drb(context)] call: &Context) -> Vec<String> {
        match call.identity() {
            Identity::Tls(certificate) => certificate.names().to_vec(),
            _ => Vec::new(),
        }
    }
}
