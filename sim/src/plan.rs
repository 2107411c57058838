//! What a seed means: which hosts there are, how fast the network is, and what goes wrong when.

use rand::{Rng, SeedableRng, rngs::SmallRng};
use std::{fmt, time::Duration};

/// How a run goes, apart from what the clients do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What all follows from.
    pub seed: u64,
    /// How many hosts there are.
    pub hosts: usize,
    /// How many clients each host has.
    pub clients: usize,
    /// How long a message takes, from and to.
    pub latency: (Duration, Duration),
    /// So many bytes are sent at once; it bounds as well how many are under way.
    pub slice: usize,
    /// How often the network looks for what is to arrive.
    pub tick: Duration,
    /// Until then the clients are busy. All faults are mended by then.
    pub busy: Duration,
    /// When nothing must be left.
    pub rest: Duration,
    /// What goes wrong, in the order of time.
    pub faults: Vec<Step>,
}

/// Something that is done at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// Something that is done to the network or to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// What the two send each other is lost.
    Part(usize, usize),
    /// What the first one sends to the second one is lost.
    PartOneWay(usize, usize),
    /// The end of either.
    Repair(usize, usize),
    /// What the two send each other is held.
    Hold(usize, usize),
    /// What was held arrives.
    Release(usize, usize),
    /// Messages between the two take up to so many milliseconds.
    Slow(usize, usize, u64),
    /// A host's process is killed: the others see its connections end.
    Kill(usize),
    /// A host is gone without a word.
    PowerCut(usize),
    /// It begins anew.
    Restart(usize),
    /// A host's server is stopped, with some time for the calls that run, and another one started.
    Drain(usize),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How long after the clients have ended nothing is left: longer than the longest call, and than it
/// takes to find out that a peer is gone.
const SETTLE: Duration = Duration::from_millis(3500);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Plan {
    /// What a seed means.
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let hosts = rng.random_range(2..=4);
        let least = rng.random_range(0..10);
        let most = least + [1, 10, 60][rng.random_range(0..3)];
        let busy = ms(rng.random_range(600..2000));
        // One in four has no faults: there more must hold.
        let count = if rng.random_ratio(1, 4) { 0 } else { rng.random_range(1..=6) };
        let mut plan = Self {
            seed,
            hosts,
            clients: rng.random_range(1..=2),
            latency: (ms(least), ms(most)),
            slice: [700, 4000, usize::MAX][rng.random_range(0..3)],
            tick: ms(rng.random_range(2..=5)),
            busy,
            rest: busy + SETTLE,
            faults: Vec::new(),
        };
        for _ in 0..count {
            plan.add_fault(&mut rng);
        }
        plan.faults.sort_by_key(|step| step.at);
        plan
    }

    /// Adds a fault that doesn't meet another one at the same place.
    fn add_fault(&mut self, rng: &mut SmallRng) {
        let busy = self.busy.as_millis() as u64;
        let from = rng.random_range(20..busy - 100);
        let to = rng.random_range(from + 10..busy);
        let one = rng.random_range(0..self.hosts);
        let other = (one + rng.random_range(1..self.hosts)) % self.hosts;
        if rng.random_ratio(1, 6) {
            self.faults.push(Step { at: ms(from), what: What::Drain(one) });
            return;
        }
        let (fault, mended) = match rng.random_range(0..10) {
            0 | 1 => (What::Part(one, other), What::Repair(one, other)),
            2 | 3 => (What::PartOneWay(one, other), What::Repair(one, other)),
            4 | 5 => (What::Hold(one, other), What::Release(one, other)),
            6 => {
                let most = rng.random_range(50..400);
                (What::Slow(one, other, most), What::Slow(one, other, 10))
            }
            7 | 8 => (What::Kill(one), What::Restart(one)),
            _ => (What::PowerCut(one), What::Restart(one)),
        };
        let meets = |step: &Step| {
            let (pair, single) = match step.what {
                What::Drain(_) => (None, None),
                What::Part(a, b)
                | What::PartOneWay(a, b)
                | What::Repair(a, b)
                | What::Hold(a, b)
                | What::Release(a, b)
                | What::Slow(a, b, _) => (Some((a.min(b), a.max(b))), None),
                What::Kill(a) | What::PowerCut(a) | What::Restart(a) => (None, Some(a)),
            };
            match fault {
                What::Kill(host) | What::PowerCut(host) => single == Some(host),
                _ => pair == Some((one.min(other), one.max(other))),
            }
        };
        if !self.faults.iter().any(meets) {
            self.faults.push(Step { at: ms(from), what: fault });
            self.faults.push(Step { at: ms(to), what: mended });
        }
    }
}
