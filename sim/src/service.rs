//! The objects of a host. Each method takes down that it runs.

use crate::{
    history::{Event, History},
    host::{Calling, Host},
    stream::{self, Flow, Item},
};
use drb::{Stream, prelude::*};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a call that a method makes may take.
const NESTED: Duration = Duration::from_millis(300);

/// A method that runs.
pub(crate) struct Runs {
    history: History,
    call: Option<u64>,
}

impl Runs {
    fn begin(host: &Host, call: u64) -> Self {
        host.history.record(Event::Began { call, on: host.life });
        Self { history: host.history.clone(), call: Some(call) }
    }

    fn finish(mut self) {
        if let Some(call) = self.call.take() {
            self.history.record(Event::Finished { call });
        }
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.history.record(Event::Dropped { call });
        }
    }
}

/// An object that is passed by reference.
#[derive(DrbUndumped)]
pub(crate) struct Thing {
    host: Arc<Host>,
    number: u64,
}

impl Thing {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        let number = host.history.number();
        host.history.record(Event::Created { object: number, on: host.life });
        Self { host, number }
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.host.history.record(Event::Destroyed { object: self.number });
    }
}

#[drb::service]
impl Thing {
    pub fn poke(&self, call: u64) -> u64 {
        let runs = Runs::begin(&self.host, call);
        runs.finish();
        self.number
    }

    pub async fn ponder(&self, call: u64, millis: u64) -> u64 {
        let runs = Runs::begin(&self.host, call);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        runs.finish();
        self.number
    }
}

/// What is called at a host's address.
pub(crate) struct Desk {
    host: Arc<Host>,
    kept: Mutex<Vec<ThingProxy>>,
}

impl Desk {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self { host, kept: Mutex::default() }
    }

    /// Lets go of what others have left here.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        drop(kept);
    }

    fn put(&self, thing: ThingProxy) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(thing);
    }

    /// Calls a proxy that was passed in a call.
    async fn poke(&self, thing: &ThingProxy) -> Option<u64> {
        let lane = self.host.history.number();
        let calling =
            Calling { method: "poke", lane, within: NESTED, patience: None, hasty: false };
        self.host.call(calling, |call, within| thing.poke(call).deadline(within)).await
    }
}

#[drb::service]
impl Desk {
    pub fn touch(&self, call: u64) {
        Runs::begin(&self.host, call).finish();
    }

    pub async fn wait(&self, call: u64, millis: u64) -> u64 {
        let runs = Runs::begin(&self.host, call);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        runs.finish();
        millis
    }

    pub fn bytes(&self, call: u64, bytes: Vec<u8>) -> Vec<u8> {
        Runs::begin(&self.host, call).finish();
        bytes
    }

    /// Large messages with references in them, in both directions.
    pub fn bulk(&self, call: u64, thing: ThingProxy, bytes: Vec<u8>) -> (ThingProxy, Vec<u8>) {
        Runs::begin(&self.host, call).finish();
        (thing, bytes)
    }

    pub fn fail(&self, call: u64) -> Result<(), String> {
        Runs::begin(&self.host, call).finish();
        Err("on purpose".to_owned())
    }

    pub fn panics(&self, call: u64) {
        Runs::begin(&self.host, call).finish();
        panic!("on purpose")
    }

    /// A new object.
    pub fn make(&self, call: u64) -> Thing {
        Runs::begin(&self.host, call).finish();
        self.host.thing()
    }

    /// A new object, for a caller who doesn't wait for it.
    pub fn make_unseen(&self) -> Thing {
        self.host.thing()
    }

    /// Hands on what somebody has left here, to a caller who doesn't wait for it.
    pub fn give_unseen(&self) -> Option<ThingProxy> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Several objects, one of them twice.
    pub fn make_some(&self, call: u64, count: usize) -> Vec<Arc<Thing>> {
        Runs::begin(&self.host, call).finish();
        let mut things: Vec<_> = (0..count).map(|_| Arc::new(self.host.thing())).collect();
        things.extend(things.first().cloned());
        things
    }

    /// Calls the object of the caller.
    pub async fn take(&self, call: u64, thing: ThingProxy) -> Option<u64> {
        let runs = Runs::begin(&self.host, call);
        let number = self.poke(&thing).await;
        runs.finish();
        number
    }

    pub fn keep(&self, call: u64, things: Vec<ThingProxy>) {
        let runs = Runs::begin(&self.host, call);
        things.into_iter().for_each(|thing| self.put(thing));
        runs.finish();
    }

    pub fn forget(&self, call: u64) {
        let runs = Runs::begin(&self.host, call);
        self.clear();
        runs.finish();
    }

    /// Hands on what somebody has left here.
    pub fn give(&self, call: u64) -> Option<ThingProxy> {
        Runs::begin(&self.host, call).finish();
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Hands on the object of the caller to a third host, which calls it.
    pub async fn pass(&self, call: u64, thing: ThingProxy, to: usize) -> Option<u64> {
        let runs = Runs::begin(&self.host, call);
        let desk: Option<DeskProxy> = self.host.client.connect(&crate::world::uri(to)).await.ok();
        let passed = match desk {
            None => None,
            Some(desk) => {
                let lane = self.host.history.number();
                let calling = Calling {
                    method: "take",
                    lane,
                    within: NESTED * 2,
                    patience: None,
                    hasty: false,
                };
                let make = |call, within| desk.take(call, &thing).deadline(within);
                self.host.call(calling, make).await.flatten()
            }
        };
        runs.finish();
        passed
    }

    /// A stream of this host's.
    pub fn stream(
        &self,
        call: u64,
        items: u64,
        size: usize,
        millis: u64,
    ) -> impl futures_util::Stream<Item = Item> {
        let runs = Runs::begin(&self.host, call);
        let items = stream::items(&self.host, Flow { items, size, millis });
        runs.finish();
        items
    }

    /// Reads a stream of the caller's, but so many items at most.
    pub async fn swallow(&self, call: u64, items: Stream<Item>, most: u64, millis: u64) -> u64 {
        let runs = Runs::begin(&self.host, call);
        let taken = stream::read(&self.host, items, most, millis).await;
        runs.finish();
        taken
    }

    /// Calls a block so many times, each time with the number of the next call.
    pub async fn each(&self, call: u64, count: u64, block: Block<(u64,), u64>) -> u64 {
        let runs = Runs::begin(&self.host, call);
        let mut sum = 0;
        for _ in 0..count {
            let lane = self.host.history.number();
            let within = self.host.client.limits().deadline;
            let calling = Calling { method: "block", lane, within, patience: None, hasty: false };
            let make = |inner, _| {
                self.host.history.record(Event::Yields { outer: call, call: inner });
                block.call((inner,))
            };
            match self.host.call(calling, make).await {
                Some(number) => sum += number,
                None => break,
            }
        }
        runs.finish();
        sum
    }
}

/// A block of a host's that runs.
pub(crate) fn yielded(host: &Host, call: u64) -> u64 {
    Runs::begin(host, call).finish();
    1
}
