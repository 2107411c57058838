//! What is called: every kind of method, and objects that go by reference in both directions.

use super::ledger::{Ledger, Lives, answer};
use drb::prelude::*;
use std::{sync::Arc, time::Duration};

/// An object that counts as long as it is there.
#[derive(DrbUndumped)]
pub(super) struct Thing {
    ledger: Arc<Ledger>,
    number: u32,
    _lives: Lives,
}

impl Thing {
    pub(super) fn new(ledger: &Arc<Ledger>, number: u32) -> Self {
        Self { ledger: Arc::clone(ledger), number, _lives: ledger.live() }
    }
}

#[drb::service]
impl Thing {
    /// Which one it is.
    pub fn number(&self) -> u64 {
        answer(self.number)
    }

    /// Another one with the same number.
    pub fn twin(&self) -> Self {
        Self::new(&self.ledger, self.number)
    }

    pub fn panics(&self, number: u32) {
        let _runs = self.ledger.begin(number);
        panic!("{number} panics in a callback")
    }
}

/// The server's object.
pub(super) struct Works {
    ledger: Arc<Ledger>,
}

impl Works {
    pub(super) fn new(ledger: &Arc<Ledger>) -> Self {
        Self { ledger: Arc::clone(ledger) }
    }
}

/// So many turns of the runtime, or a millisecond of time.
pub(super) async fn pass(turns: u8) {
    match turns {
        0..64 => {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        }
        _ => tokio::time::sleep(Duration::from_millis(1)).await,
    }
}

#[drb::service]
impl Works {
    pub fn quick(&self, number: u32) -> u64 {
        self.ledger.begin(number).end()
    }

    pub async fn waits(&self, number: u32, turns: u8) -> u64 {
        let runs = self.ledger.begin(number);
        pass(turns).await;
        runs.end()
    }

    #[drb(no_cancel)]
    pub async fn keeps(&self, number: u32, turns: u8) -> u64 {
        let runs = self.ledger.begin(number);
        pass(turns).await;
        runs.end()
    }

    #[drb(blocking)]
    pub fn blocks(&self, number: u32) -> u64 {
        let runs = self.ledger.begin(number);
        std::thread::yield_now();
        runs.end()
    }

    /// A new object.
    pub async fn gives(&self, number: u32, turns: u8) -> Thing {
        let runs = self.ledger.begin(number);
        pass(turns).await;
        runs.end();
        Thing::new(&self.ledger, number)
    }

    /// Calls an object of the caller's.
    pub async fn takes(&self, number: u32, turns: u8, thing: ThingProxy) -> drb::Result<u64> {
        let runs = self.ledger.begin(number);
        pass(turns).await;
        let given = thing.number().await?;
        runs.end();
        Ok(given)
    }

    pub async fn large(&self, number: u32, turns: u8, bytes: Vec<u8>) -> Vec<u8> {
        let runs = self.ledger.begin(number);
        pass(turns).await;
        runs.end();
        bytes
    }

    /// So many new objects.
    pub fn many(&self, number: u32, count: u32) -> Vec<Thing> {
        self.ledger.begin(number).end();
        (0..count).map(|which| Thing::new(&self.ledger, number.wrapping_add(which))).collect()
    }

    /// Gives what it is given: objects of the caller's come home, those of the server's go out again.
    pub fn back(&self, number: u32, things: Vec<ThingProxy>) -> Vec<ThingProxy> {
        self.ledger.begin(number).end();
        things
    }

    pub fn panics(&self, number: u32) {
        let _runs = self.ledger.begin(number);
        panic!("{number} panics at once")
    }

    pub async fn panics_later(&self, number: u32, turns: u8, _thing: ThingProxy) -> Thing {
        let _runs = self.ledger.begin(number);
        let _own = Thing::new(&self.ledger, number);
        pass(turns).await;
        panic!("{number} panics later")
    }

    #[drb(blocking)]
    pub fn panics_on_a_thread(&self, number: u32) {
        let _runs = self.ledger.begin(number);
        panic!("{number} panics on a thread")
    }

    /// Lets the caller's object panic.
    pub async fn calls_back(&self, number: u32, thing: ThingProxy) -> drb::Result<()> {
        thing.panics(number).await
    }
}
