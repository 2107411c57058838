//! Whatever a peer sends over a native connection, to a side that has made calls, some of them on objects that
//! others are to give, has given objects and serves some. The first byte says in what pieces it comes.
#![no_main]

#[path = "../../drb-core/tests/model/side.rs"]
#[allow(dead_code)]
mod side;
#[path = "../../drb-core/tests/model/thing.rs"]
#[allow(dead_code)]
mod thing;

use drb_core::{Error, Limits, Loaded, Proxy, Remote, native::PREAMBLE};
use libfuzzer_sys::fuzz_target;
use side::{Clock, Side};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};
use thing::{Ahead, Answer, Refers};

type Call = Pin<Box<dyn Future<Output = Result<Answer, Error>>>>;

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let limits = Limits {
        chunk: 200,
        chunk_in: 2000,
        message: 20_000,
        partial: 2,
        calls: 4,
        promises: 3,
        references: 6,
        exports: 12,
        ..Limits::default()
    };
    let clock = Clock::new();
    let mut side = Side::new(limits, &clock);
    side.process.lock().distrusts = true;
    let mut calls: Vec<Call> = (0..3).map(|number| call(&side, number)).collect();
    calls.extend(ahead(&side));
    poll(&mut calls);
    let mut sent = Vec::new();
    side.transmit(&mut sent, usize::MAX);
    assert!(sent.starts_with(&PREAMBLE));
    side.deliver(&PREAMBLE).expect("the beginning is right");
    for piece in bytes.chunks(usize::from(*step).max(1)) {
        if side.deliver(piece).is_err() {
            break;
        }
        poll(&mut calls);
        side.poll_tasks();
        if side.work().is_err() {
            break;
        }
        sent.clear();
        side.transmit(&mut sent, 1000);
        clock.advance(Duration::from_millis(1));
        side.connection.protocol().expire(clock.now());
    }
    // Nobody holds anything, and nothing is left of it.
    side.end();
    poll(&mut calls);
    calls.clear();
    let process = Arc::clone(&side.process);
    let kept = std::mem::take(&mut process.lock().kept);
    drop(kept);
    assert_eq!(side.connection.held().0, 0, "objects are given after the end");
    let connection = Arc::downgrade(&side.connection);
    drop(side);
    let own = std::mem::take(&mut process.lock().own);
    drop(own);
    assert_eq!(connection.strong_count(), 0, "the connection holds itself");
    assert!(process.lock().made.iter().all(|made| made.strong_count() == 0), "an object is left");
});

/// A call that refers to an object of this side's.
fn call(side: &Side, number: u64) -> Call {
    let mut call = side.to_front().begin("keep", 2);
    call.arg::<u64>(number);
    call.arg::<Vec<Refers>>(vec![Refers::Own(side.process.make())]);
    let call = call.call::<Loaded<Answer>>();
    match number {
        0 => Box::pin(call.deadline(Duration::from_millis(50))),
        _ => Box::pin(call.no_deadline()),
    }
}

/// Calls on an object that is to be given, on one that this is to give, and one that is passed the first.
fn ahead(side: &Side) -> [Call; 3] {
    let ahead = |of: &Remote| -> Ahead {
        of.begin("find", 0).call::<Loaded<Option<Ahead>>>().no_deadline().pipelined()
    };
    let first = ahead(&side.to_front());
    let second = ahead(first.remote());
    let on = |ahead: &Ahead| ahead.remote().begin("wait", 0).call::<Loaded<Answer>>().no_deadline();
    let mut passes = side.to_front().begin("keep", 1);
    passes.arg::<Ahead>(first.clone());
    [
        Box::pin(on(&second)),
        Box::pin(on(&first)),
        Box::pin(passes.call::<Loaded<Answer>>().no_deadline()),
    ]
}

fn poll(calls: &mut Vec<Call>) {
    let mut context = Context::from_waker(Waker::noop());
    calls.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
}
