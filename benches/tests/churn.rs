//! What the program `churn` does millions of times, some thousands of times. (What memory a process takes
//! says nothing in so short a time.)

use drb_benches::churn::{cancelled, exported, panicked, quietly};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn cancelled_calls_leave_nothing() {
    runtime().block_on(cancelled(5000, 1)).unwrap();
}

#[test]
fn panics_leave_nothing() {
    quietly(|| runtime().block_on(panicked(1000, 2))).unwrap();
}

#[test]
fn objects_that_come_and_go_leave_nothing() {
    runtime().block_on(exported(100_000, 3)).unwrap();
}
