//! Ten million objects come and go, and the memory stays what it was:
//! `cargo run --release -p drb-benches --bin leaks`
//!
//! The object table alone, in virtual time. `drb/tests/leaks.rs` does the same over a socket, a few
//! thousand times.

use drb::{Holder, IntoObject, Objects, Term};
use drb_benches::{memory, table};
use std::{
    error::Error,
    time::{Duration, Instant},
};

/// How many objects come and go in each of the ways.
const CYCLES: usize = 10_000_000;

struct Thing {
    _payload: [u64; 4],
}

#[drb::service]
impl Thing {}

fn thing() -> std::sync::Arc<dyn drb::dispatch::Dispatch> {
    Thing { _payload: [0; 4] }.into_object()
}

/// Exports and lets go, and gives how many objects were held at most.
type Way = fn() -> Result<usize, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let head = ["", "cycles", "held at most", "MiB before", "MiB after"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let ways: [(&str, Way); 3] = [
        ("exported and withdrawn", withdrawn),
        ("lent and withdrawn", lent),
        ("exported, the lease expires", expired),
    ];
    for (name, way) in ways {
        let before = memory("self")?;
        let most = way()?;
        let after = memory("self")?;
        let mebibytes = |bytes: usize| format!("{:.1}", bytes as f64 / (1 << 20) as f64);
        rows.push(vec![
            name.to_owned(),
            CYCLES.to_string(),
            most.to_string(),
            mebibytes(before),
            mebibytes(after),
        ]);
    }
    println!("{}", table(&rows));
    Ok(())
}

fn objects() -> (Objects, Holder, Instant) {
    let holder = Holder::Address([10, 0, 0, 1].into());
    (Objects::new(None, 1 << 16, Objects::LEASE), holder, Instant::now())
}

fn withdrawn() -> Result<usize, Box<dyn Error>> {
    let (objects, holder, now) = objects();
    for _ in 0..CYCLES {
        let id = objects.export(thing(), holder, now)?;
        objects.withdraw(&id).ok_or("it is gone")?;
    }
    empty(&objects, 1)
}

fn lent() -> Result<usize, Box<dyn Error>> {
    let (objects, holder, now) = objects();
    for _ in 0..CYCLES {
        let id = objects.lend(thing(), holder, now)?;
        assert!(objects.list().iter().all(|entry| entry.term == Term::Call));
        objects.withdraw(&id).ok_or("it is gone")?;
    }
    empty(&objects, 1)
}

/// Twenty objects a second, and a sweep every half a minute, as in a server.
fn expired() -> Result<usize, Box<dyn Error>> {
    let (objects, holder, mut now) = objects();
    let mut most = 0;
    for cycle in 1..=CYCLES {
        objects.export(thing(), holder, now)?;
        now += Duration::from_millis(50);
        if cycle % 600 == 0 {
            most = most.max(objects.exported());
            objects.sweep(now);
        }
    }
    objects.sweep(now + Objects::LEASE);
    empty(&objects, most)
}

fn empty(objects: &Objects, most: usize) -> Result<usize, Box<dyn Error>> {
    match objects.exported() {
        0 if objects.holders().is_empty() => Ok(most),
        left => Err(format!("{left} objects are left").into()),
    }
}
