//! References over the native wire, against a model: whatever two processes do with them, and however
//! the bytes arrive, the tables say in the end what is really held, and nothing is left of it.
//!
//! `PROPTEST_CASES=100000 cargo test --release -p drb-core --test model` tries more of it.

mod found;
mod model;
mod op;
mod random;
mod side;
mod thing;
mod world;

use op::Op;
use proptest::{prelude::*, test_runner::Config};
use random::{end, op};
use std::sync::{Mutex, PoisonError};
use world::World;

fn run(ops: &[Op]) {
    // Who takes an object back looks at all connections of the process, and so holds them for a moment.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut world = World::new();
    ops.iter().for_each(|op| world.step(op));
    world.finish();
}

/// What fails is kept as a test with a name, in place of a file of seeds.
fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_connection_that_goes_on(ops in prop::collection::vec(op(), 1..80)) {
        run(&ops);
    }

    #[test]
    fn a_connection_that_ends(
        before in prop::collection::vec(op(), 1..60),
        end in end(),
        after in prop::collection::vec(op(), 0..15),
    ) {
        run(&[before, vec![end], after].concat());
    }
}
