//! What has happened in a run, as those who took part have seen it.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// One run of the software of a host: a host that has crashed lives again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Life {
    /// Which host.
    pub host: usize,
    /// Its how manieth life.
    pub number: u32,
}

/// Whether a failed call has run, as its caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It has not run, and will not.
    NotExecuted,
    /// It has run.
    Executed,
    /// It may have run.
    Unknown,
}

/// How a call has ended for its caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// With a result.
    Success,
    /// With an answer that is none: the method's own error, a panic, a refusal.
    Answered(Outcome),
    /// Without an answer.
    Failed(Outcome),
    /// The object was gone, although the caller had a proxy.
    Gone,
    /// The caller didn't wait for the end.
    Cancelled,
}

/// How a stream has ended for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamEnd {
    /// There are no more items.
    Whole,
    /// With an error.
    Failed,
    /// The reader has left it.
    Left,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A host has begun.
    Started(Life),
    /// A host was killed.
    Crashed(Life),
    /// Something was done to the network or to a host.
    Fault(String),
    /// A call is made, through a proxy that has the number `lane`.
    Called {
        /// The call's number.
        call: u64,
        /// What is called.
        method: &'static str,
        /// Who calls.
        by: Life,
        /// The proxy.
        lane: u64,
        /// How long it may take.
        within: Duration,
    },
    /// A call is made of the block that was passed to another call.
    Yields {
        /// The number of the one that has the block.
        outer: u64,
        /// The number of the one that is made.
        call: u64,
    },
    /// A method has begun to run.
    Began {
        /// The call's number.
        call: u64,
        /// Where.
        on: Life,
    },
    /// A method has come to its end.
    Finished {
        /// The call's number.
        call: u64,
    },
    /// A method was dropped before its end.
    Dropped {
        /// The call's number.
        call: u64,
    },
    /// The caller knows how the call has ended.
    Ended {
        /// The call's number.
        call: u64,
        /// What the caller has seen, and in the words of the error.
        seen: Seen,
        /// The error's text.
        error: String,
    },
    /// An object was made.
    Created {
        /// Its number.
        object: u64,
        /// Where.
        on: Life,
    },
    /// An object's destructor has run.
    Destroyed {
        /// Its number.
        object: u64,
    },
    /// A host has ended a connection that nobody needed.
    Unneeded(Life),
    /// A stream begins, which is an object with this number.
    Flows {
        /// Its number.
        stream: u64,
        /// How many items it has.
        items: u64,
        /// So many of them may be made before they are taken.
        ahead: u64,
    },
    /// A stream has made an item.
    Gave {
        /// Its number.
        stream: u64,
        /// The item's number, from zero on.
        item: u64,
    },
    /// Somebody begins to read a stream.
    Reads {
        /// A number for this.
        reader: u64,
        /// Who.
        by: Life,
    },
    /// A reader has got an item.
    Took {
        /// Which reader.
        reader: u64,
        /// Of which stream.
        stream: u64,
        /// Which item.
        item: u64,
    },
    /// Somebody has read a stream to an end.
    Read {
        /// Which reader.
        reader: u64,
        /// To which end.
        end: StreamEnd,
    },
    /// What a host still has when nobody needs anything any more.
    Resting {
        /// Which.
        on: Life,
        /// Open connections.
        connections: usize,
        /// Its objects that peers hold.
        exported: usize,
        /// Objects of peers that it holds.
        imported: usize,
    },
}

/// An event, and when it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// On the clock of the simulation, from its beginning.
    pub at: Duration,
    /// What has happened.
    pub event: Event,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.3} ms  {:?}", self.at.as_secs_f64() * 1000.0, self.event)
    }
}

/// A history that is being written. Clones write the same one.
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    records: Vec<Record>,
    numbers: u64,
    /// The time, where the simulation has none to give.
    stopped: Option<Duration>,
}

impl History {
    /// Takes an event down.
    pub fn record(&self, event: Event) {
        let mut written = self.lock();
        let last = written.records.last().map_or(Duration::ZERO, |record| record.at);
        // While a host is being killed, its clock is not one of the simulation.
        let at = written.stopped.or_else(turmoil::sim_elapsed).unwrap_or(last);
        written.records.push(Record { at, event });
    }

    /// A number that nothing else has.
    pub fn number(&self) -> u64 {
        let mut written = self.lock();
        written.numbers += 1;
        written.numbers
    }

    /// Lets `run` happen at one point in time. In which order the runtime drops what a host has had when
    /// it is killed, no seed decides, and nobody can see it; so what happens meanwhile is sorted.
    pub fn at<T>(&self, time: Duration, run: impl FnOnce() -> T) -> T {
        let from = {
            let mut written = self.lock();
            written.stopped = Some(time);
            written.records.len()
        };
        let done = run();
        let mut written = self.lock();
        written.stopped = None;
        if let Some(meanwhile) = written.records.get_mut(from..) {
            meanwhile.sort_by(|one, other| one.event.cmp(&other.event));
        }
        done
    }

    /// What was written so far.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.lock().records)
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number by which two histories can be compared, times included.
pub fn fingerprint(records: &[Record]) -> u64 {
    // Without keys it is the same in each process.
    let mut hasher = DefaultHasher::new();
    records.hash(&mut hasher);
    hasher.finish()
}
