//! What the clients of a host do.

use crate::{
    host::{Calling, Host},
    service::{DeskProxy, Thing, ThingProxy, yielded},
    stream::{self, Flow},
};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use std::{sync::Arc, time::Duration};

/// A proxy, and its number.
struct Numbered<P> {
    proxy: P,
    lane: u64,
}

/// A client of a host: it calls the desks of the others, and what they give it.
struct Worker {
    host: Arc<Host>,
    rng: SmallRng,
    desks: Vec<Option<Numbered<DeskProxy>>>,
    things: Vec<Numbered<ThingProxy>>,
}

/// Runs one client until the time that the plan says.
pub(crate) async fn run(host: Arc<Host>, number: usize) {
    let (life, plan) = (host.life, Arc::clone(&host.plan));
    let which = (life.host as u64) << 40 | u64::from(life.number) << 8 | number as u64;
    let rng = SmallRng::seed_from_u64(plan.seed ^ which.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let desks = (0..plan.hosts).map(|_| None).collect();
    let mut worker = Worker { host, rng, desks, things: Vec::new() };
    while worker.host.now() < plan.busy {
        // Rarely for longer than a connection stays that nobody needs.
        let long = worker.rng.random_ratio(1, 30);
        let pause = if long { 150 } else { [0, 1, 5, 30][worker.rng.random_range(0..4)] };
        if pause > 0 {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        worker.turn().await;
    }
}

impl Worker {
    /// One thing that a client does.
    async fn turn(&mut self) {
        match self.rng.random_range(0..10) {
            0 => self.drop_something(),
            1 | 2 => self.call_thing().await,
            _ => self.call_desk().await,
        }
    }

    fn drop_something(&mut self) {
        if self.rng.random_ratio(1, 3) {
            let desk = self.rng.random_range(0..self.desks.len());
            self.desks[desk] = None;
        } else if !self.things.is_empty() {
            let thing = self.rng.random_range(0..self.things.len());
            self.things.swap_remove(thing);
        }
    }

    fn calling(&mut self, method: &'static str, lane: u64) -> Calling {
        // Short ones as well, and callers who don't wait for the end.
        let within = Duration::from_millis([30, 150, 800][self.rng.random_range(0..3)]);
        let patience = self.rng.random_ratio(1, 8).then(|| {
            let most = within.as_millis() as u64;
            Duration::from_millis(self.rng.random_range(0..most))
        });
        let hasty = self.rng.random_bool(0.5);
        Calling { method, lane, within, patience, hasty }
    }

    async fn call_thing(&mut self) {
        if self.things.is_empty() {
            return;
        }
        let which = self.rng.random_range(0..self.things.len());
        let millis = self.rng.random_range(0..60);
        let lane = self.things[which].lane;
        let slow = self.rng.random_ratio(1, 3);
        let calling = self.calling(if slow { "ponder" } else { "poke" }, lane);
        let (host, thing) = (&self.host, &self.things[which].proxy);
        if slow {
            host.call(calling, |call, within| thing.ponder(call, millis).deadline(within)).await;
        } else {
            host.call(calling, |call, within| thing.poke(call).deadline(within)).await;
        }
    }

    /// The desk of another host, or of this one over the network.
    async fn desk(&mut self) -> Option<(DeskProxy, u64)> {
        let to = self.rng.random_range(0..self.desks.len());
        if self.desks[to].is_none() {
            let proxy = self.host.client.connect(&crate::world::uri(to)).await.ok()?;
            self.desks[to] = Some(Numbered { proxy, lane: self.host.history.number() });
        }
        self.desks[to].as_ref().map(|desk| (desk.proxy.clone(), desk.lane))
    }

    fn keep(&mut self, things: impl IntoIterator<Item = ThingProxy>) {
        for proxy in things {
            self.things.push(Numbered { proxy, lane: self.host.history.number() });
        }
    }

    /// An object that can be passed: one of this host, or one of another that this client holds.
    fn something(&mut self) -> Passed {
        if !self.things.is_empty() && self.rng.random_bool(0.5) {
            let which = self.rng.random_range(0..self.things.len());
            if self.rng.random_bool(0.3) {
                return Passed::Held(self.things.swap_remove(which).proxy);
            }
            return Passed::Held(self.things[which].proxy.clone());
        }
        Passed::Own(Arc::new(self.host.thing()))
    }

    async fn call_desk(&mut self) {
        let Some((desk, lane)) = self.desk().await else { return };
        let host = Arc::clone(&self.host);
        match self.rng.random_range(0..20) {
            0 | 14 => self.burst(&desk, lane).await,
            1 => {
                let millis = self.rng.random_range(0..200);
                let calling = self.calling("wait", lane);
                host.call(calling, |call, within| desk.wait(call, millis).deadline(within)).await;
            }
            2 => {
                let len = [0, 100, 10_000, 150_000][self.rng.random_range(0..4)];
                let bytes = vec![7; len];
                let calling = self.calling("bytes", lane);
                host.call(calling, |call, within| desk.bytes(call, &bytes).deadline(within)).await;
            }
            15 => {
                let len = [100, 40_000, 100_000][self.rng.random_range(0..3)];
                let bytes = vec![5; len];
                let something = self.something();
                let calling = self.calling("bulk", lane);
                let make = |call, within| match something {
                    Passed::Own(thing) => desk.bulk(call, &thing, &bytes).deadline(within),
                    // The last proxy may be gone before the call is sent.
                    Passed::Held(thing) => desk.bulk(call, thing, &bytes).deadline(within),
                };
                let given = host.call(calling, make).await;
                self.keep(given.map(|(thing, _)| thing));
            }
            16 => {
                let (Flow { items, size, millis }, most, pause) = self.flow();
                let calling = self.calling("stream", lane);
                let make = |call, within| desk.stream(call, items, size, millis).deadline(within);
                if let Some(given) = host.call(calling, make).await {
                    stream::read(&host, given, most, pause).await;
                }
            }
            17 => {
                let (flow, most, pause) = self.flow();
                let items = stream::items(&host, flow);
                let calling = self.calling("swallow", lane);
                let make = |call, within| desk.swallow(call, items, most, pause).deadline(within);
                host.call(calling, make).await;
            }
            3 => {
                let calling = self.calling("fail", lane);
                host.call(calling, |call, within| desk.fail(call).deadline(within)).await;
            }
            4 => {
                let calling = self.calling("panics", lane);
                host.call(calling, |call, within| desk.panics(call).deadline(within)).await;
            }
            5 | 6 => {
                let calling = self.calling("make", lane);
                let made =
                    host.call(calling, |call, within| desk.make(call).deadline(within)).await;
                self.keep(made);
            }
            7 => {
                let count = self.rng.random_range(0..5);
                let calling = self.calling("make_some", lane);
                let make = |call, within| desk.make_some(call, count).deadline(within);
                let made = host.call(calling, make).await;
                self.keep(made.into_iter().flatten());
            }
            8 => {
                let something = self.something();
                let calling = self.calling("take", lane);
                let make = |call, within| match &something {
                    Passed::Own(thing) => desk.take(call, thing).deadline(within),
                    Passed::Held(thing) => desk.take(call, thing).deadline(within),
                };
                host.call(calling, make).await;
            }
            9 => {
                let something = self.something();
                let calling = self.calling("keep", lane);
                let make = |call, within| match &something {
                    Passed::Own(thing) => {
                        desk.keep(call, vec![Arc::clone(thing); 2]).deadline(within)
                    }
                    Passed::Held(thing) => desk.keep(call, vec![thing.clone()]).deadline(within),
                };
                host.call(calling, make).await;
            }
            10 => {
                let calling = self.calling("forget", lane);
                host.call(calling, |call, within| desk.forget(call).deadline(within)).await;
            }
            11 => {
                let calling = self.calling("give", lane);
                let given =
                    host.call(calling, |call, within| desk.give(call).deadline(within)).await;
                self.keep(given.flatten());
            }
            12 => {
                let something = self.something();
                let to = self.rng.random_range(0..self.desks.len());
                let calling = self.calling("pass", lane);
                let make = |call, within| match &something {
                    Passed::Own(thing) => desk.pass(call, thing, to).deadline(within),
                    Passed::Held(thing) => desk.pass(call, thing, to).deadline(within),
                };
                host.call(calling, make).await;
            }
            18 | 19 => self.call_ahead(&desk).await,
            _ => {
                let count = self.rng.random_range(0..4);
                let calling = self.calling("each", lane);
                let make = |call, within| {
                    desk.each(call, count, |inner| yielded(&host, inner)).deadline(within)
                };
                host.call(calling, make).await;
            }
        }
    }

    /// Calls what a call is going to give, without waiting for that.
    async fn call_ahead(&mut self, desk: &DeskProxy) {
        let thing = match self.rng.random_bool(0.7) {
            true => desk.make_unseen().pipelined(),
            false => desk.give_unseen().pipelined(),
        };
        let (host, lane) = (Arc::clone(&self.host), self.host.history.number());
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..self.rng.random_range(1..4) {
            let slow = self.rng.random_ratio(1, 3);
            let millis = self.rng.random_range(0..60);
            let calling = self.calling(if slow { "ponder" } else { "poke" }, lane);
            let (host, thing) = (Arc::clone(&host), thing.clone());
            calls.spawn(async move {
                let make = |call, within| match slow {
                    true => thing.ponder(call, millis).deadline(within),
                    false => thing.poke(call).deadline(within),
                };
                let _ = host.call(calling, make).await;
            });
        }
        while calls.join_next().await.is_some() {}
        if self.rng.random_bool(0.5) {
            // It is a proxy as any other.
            self.things.push(Numbered { proxy: thing, lane });
        }
    }

    /// A stream, how many items of it are read at most, and with which pause.
    fn flow(&mut self) -> (Flow, u64, u64) {
        let size = [0, 100, 3000, 20_000][self.rng.random_range(0..4)];
        let most = [400, 300, 150, 50][self.rng.random_range(0..4)];
        let items = self.rng.random_range(0..most);
        let millis = [0, 0, 0, 1, 10][self.rng.random_range(0..5)];
        let most = match self.rng.random_ratio(1, 3) {
            true => self.rng.random_range(0..items + 1),
            false => u64::MAX,
        };
        let pause = [0, 0, 1, 15][self.rng.random_range(0..4)];
        (Flow { items, size, millis }, most, pause)
    }

    /// Several calls of one proxy, side by side.
    async fn burst(&mut self, desk: &DeskProxy, lane: u64) {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..self.rng.random_range(2..8) {
            let (host, desk) = (Arc::clone(&self.host), desk.clone());
            let calling = self.calling("touch", lane);
            let (bytes, millis) = (self.rng.random_range(0..100_000), self.rng.random_range(0..50));
            let kind = self.rng.random_range(0..4);
            calls.spawn(async move {
                match kind {
                    0 => {
                        let make = |call, within| desk.wait(call, millis).deadline(within);
                        let _ = host.call(calling, make).await;
                    }
                    1 => {
                        let bytes = vec![1; bytes];
                        let make = |call, within| desk.bytes(call, &bytes).deadline(within);
                        let _ = host.call(calling, make).await;
                    }
                    _ => {
                        host.call(calling, |call, within| desk.touch(call).deadline(within)).await;
                    }
                }
            });
        }
        while calls.join_next().await.is_some() {}
    }
}

enum Passed {
    Own(Arc<Thing>),
    Held(ThingProxy),
}
