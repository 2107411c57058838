//! What the tests of TLS and of drbfire call, in Rust. The same stands in `tests/ruby/desk.rb`, and is called with the
//! same proxies.

use drb::{Context, DrbUndumped, Identity, prelude::*};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

/// Stays where it is.
#[derive(Default, DrbUndumped)]
pub struct Counter(AtomicU32);

#[drb::service]
impl Counter {
    /// Counts on.
    pub fn inc(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Calls whoever it is given, now or later.
#[derive(Default)]
pub struct Desk(Mutex<Option<CounterProxy>>);

#[drb::service]
impl Desk {
    /// A copy.
    pub fn echo(&self, text: String) -> String {
        text
    }

    /// A reference.
    pub fn counter(&self) -> Counter {
        Counter::default()
    }

    /// Calls back at once.
    pub async fn call(&self, counter: CounterProxy) -> drb::Result<u32> {
        counter.inc().await
    }

    /// Is given whom to call later.
    pub fn keep(&self, counter: CounterProxy) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(counter);
    }

    /// Calls back in another call.
    pub async fn call_kept(&self) -> drb::Result<u32> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        kept.expect("somebody was kept").inc().await
    }

    /// Calls a block so often, and adds up what it gives.
    pub async fn each(&self, count: u32, block: Block<(u32,), u32>) -> drb::Result<u32> {
        let mut sum = 0;
        for number in 0..count {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }

    /// Who calls: the names in the certificate.
    pub fn who(&self, #[drb(context)] call: &Context) -> Vec<String> {
        match call.identity() {
            Identity::Tls(certificate) => certificate.names().to_vec(),
            _ => Vec::new(),
        }
    }
}
