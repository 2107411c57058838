//! Promises, with bytes written by hand after `docs/native.md`: what waits and how long, what a peer that
//! names wrong ones is told, and that nothing is left of them.

mod frames;

use drb_core::{
    Error, Exception, Limit, Limits, LoadError, LoadErrorKind, Outcome,
    native::{Protocol, Received, Tables},
};
use frames::{CALL, CANCEL, NAME, frame};
use std::{sync::Arc, time::Instant};

const PROMISES: u8 = 0x22;
const MORE: u8 = 0x80;
const NIL: u8 = 0xc0;

/// Call number `id` of the front object, whose answer is promised as `number`.
fn promise(id: u8, number: u8) -> Vec<u8> {
    frame(CALL, &[id, 0, 0, 8, number, 1, NIL])
}

/// Call number `id` of what is promised as `number`.
fn on(number: u8, id: u8) -> Vec<u8> {
    frame(CALL, &[id, 3, number, 0, 0, 1, NIL])
}

#[derive(Debug, PartialEq)]
enum Seen {
    Call(u32),
    Limit(u32, Limit),
    /// Refused, since there is no object. What the text of the cause has in it.
    Unresolved(u32, String),
    Cancelled(u32),
}

struct Side {
    protocol: Protocol,
    now: Instant,
}

impl Side {
    fn new(limits: Limits) -> Self {
        let protocol = Protocol::new(&Arc::new(limits), Arc::new(Tables::new()));
        let mut side = Self { protocol, now: Instant::now() };
        assert_eq!(side.take(&frame(NAME, b"m")), []);
        side
    }

    fn try_take(&mut self, bytes: &[u8]) -> Result<Vec<Seen>, LoadError> {
        let (mut at, mut seen) = (0, Vec::new());
        loop {
            let mut called = None;
            at += match self.protocol.receive(&bytes[at..], self.now, &mut called)? {
                Received::Needs(_) => return Ok(seen),
                Received::Nothing(len) => len,
                Received::Call(len) => {
                    seen.push(Seen::Call(called.expect("a call").id));
                    len
                }
                Received::Refused(len, id, exception) => {
                    let error = Error::from_exception(*exception);
                    seen.push(match &error {
                        Error::Unresolved { cause } => {
                            assert_eq!(error.outcome(), Outcome::NotExecuted);
                            Seen::Unresolved(id, cause.to_string())
                        }
                        Error::Limit { limit, .. } => Seen::Limit(id, *limit),
                        Error::Overloaded { .. } => Seen::Limit(id, Limit::Calls),
                        _ => Seen::Cancelled(id),
                    });
                    len
                }
                Received::Cancelled(len, id) => {
                    seen.push(Seen::Cancelled(id));
                    len
                }
                Received::Large => panic!("nothing is large"),
            };
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Seen> {
        self.try_take(bytes).unwrap()
    }

    fn fails(&mut self, id: u32) {
        let exception = Exception::new("RuntimeError", "no such child");
        self.protocol.keep(id, Some(&exception), &[]);
    }

    /// How many promises there are, and how many calls wait for them.
    fn known(&self) -> (usize, usize) {
        self.protocol.promises()
    }
}

fn unresolved(id: u32, cause: &str) -> Seen {
    Seen::Unresolved(id, cause.to_owned())
}

#[test]
fn calls_wait_and_fail_with_the_first() {
    let mut side = Side::new(Limits::default());
    assert_eq!(side.take(&promise(1, 0)), [Seen::Call(1)]);
    // The second one of them is a promise, too.
    let second = frame(CALL, &[3, 3, 0, 0, 8, 1, 1, NIL]);
    assert_eq!(side.take(&[on(0, 2), second, on(1, 4)].concat()), []);
    assert_eq!(side.known(), (2, 3));
    side.fails(1);
    let failed = "no such child (RuntimeError)";
    assert!(side.protocol.has_work());
    let seen = side.take(&on(0, 5));
    assert_eq!(seen[..2], [unresolved(2, failed), unresolved(3, failed)]);
    // The refusal of the third call is its answer.
    let refusal = Exception::new("RuntimeError", "no such child");
    side.protocol.keep(3, Some(&refusal), &[]);
    let mut rest: Vec<_> = seen.into_iter().skip(2).collect();
    rest.extend(side.take(&[]));
    assert_eq!(rest, [unresolved(5, failed), unresolved(4, failed)]);
    // It is known for as long as the peer wants.
    assert_eq!(side.known(), (2, 0));
    assert_eq!(side.take(&frame(PROMISES, &[0, 1])), []);
    assert_eq!(side.known(), (0, 0));
}

#[test]
fn what_is_no_object() {
    let mut side = Side::new(Limits::default());
    side.take(&[promise(1, 0), on(0, 2)].concat());
    side.protocol.keep(1, None, &[NIL]);
    let seen = side.take(&[]);
    let [Seen::Unresolved(2, cause)] = &seen[..] else { panic!("{seen:?}") };
    assert!(cause.contains("got nil"), "{cause}");
}

#[test]
fn promises_that_never_were() {
    let mut side = Side::new(Limits::default());
    let seen = side.take(&on(7, 1));
    let [Seen::Unresolved(1, cause)] = &seen[..] else { panic!("{seen:?}") };
    assert!(cause.contains("the call was not made"), "{cause}");
    assert_eq!(side.take(&frame(PROMISES, &[7, 8])), []);
    // One that was given back is none any more, also as long as its call runs.
    side.take(&[promise(2, 0), frame(PROMISES, &[0])].concat());
    assert!(matches!(side.take(&on(0, 3))[..], [Seen::Unresolved(3, _)]));
    side.fails(2);
    assert_eq!(side.known(), (0, 0));
}

#[test]
fn promises_given_back_that_are_none() {
    let mut side = Side::new(Limits { cancels: 3, ..Limits::default() });
    // Never made, and given back twice, while its call runs and afterwards.
    side.take(&frame(PROMISES, &[7]));
    side.take(&[promise(1, 0), frame(PROMISES, &[0, 0])].concat());
    side.fails(1);
    side.take(&frame(PROMISES, &[0]));
    let error = side.try_take(&frame(PROMISES, &[0])).unwrap_err();
    let limit = LoadErrorKind::Limit { limit: Limit::Cancels, max: 3 };
    assert_eq!(*error.kind(), limit);
}

#[test]
fn a_call_that_makes_no_promise_is_a_reason_to_give_one_back() {
    let limits = Limits { cancels: 0, promises: 1, message: 300, ..Limits::default() };
    let mut side = Side::new(limits);
    // One too many; one that is given up in part; one that is too long.
    side.take(&[promise(1, 0), promise(2, 1)].concat());
    side.take(&[frame(CALL | MORE, &[3, 0, 0, 8, 2, 1, NIL]), frame(CANCEL, &[3])].concat());
    side.take(&frame(CALL, &[&[4, 0, 0, 8, 3, 1, 0xc4, 255][..], &[0; 295]].concat()));
    side.take(&frame(PROMISES, &[0, 1, 2, 3]));
    assert!(side.try_take(&frame(PROMISES, &[4])).is_err());
}

#[test]
fn promises_given_twice() {
    let mut side = Side::new(Limits::default());
    side.take(&promise(1, 0));
    assert!(side.try_take(&promise(2, 0)).is_err(), "while the first one runs");
    let mut side = Side::new(Limits::default());
    side.take(&promise(1, 0));
    side.fails(1);
    assert!(side.try_take(&promise(2, 0)).is_err(), "once it is kept");
}

#[test]
fn cancels_of_what_waits() {
    let mut side = Side::new(Limits::default());
    side.take(&[promise(1, 0), on(0, 2), on(0, 3)].concat());
    assert_eq!(side.take(&frame(CANCEL, &[2])), [Seen::Cancelled(2)]);
    assert_eq!(side.known(), (1, 1));
    side.fails(1);
    // Its turn has come, but nobody has begun it.
    assert_eq!(side.known(), (1, 1));
    let seen = side.take(&frame(CANCEL, &[3]));
    assert!(matches!(seen[..], [Seen::Unresolved(3, _), Seen::Cancelled(3)]), "{seen:?}");
    side.take(&frame(PROMISES, &[0]));
    assert_eq!(side.known(), (0, 0));
}

#[test]
fn as_many_as_the_limit_and_one_more() {
    let mut side = Side::new(Limits { promises: 2, ..Limits::default() });
    let both = [promise(1, 0), promise(2, 1)].concat();
    assert_eq!(side.take(&both), [Seen::Call(1), Seen::Call(2)]);
    assert_eq!(side.take(&promise(3, 2)), [Seen::Limit(3, Limit::Promises)]);
    // It was not promised.
    assert!(matches!(side.take(&on(2, 4))[..], [Seen::Unresolved(4, _)]));
    side.fails(1);
    side.take(&frame(PROMISES, &[0]));
    assert_eq!(side.take(&promise(5, 3)), [Seen::Call(5)]);
    assert_eq!(side.take(&promise(6, 4)), [Seen::Limit(6, Limit::Promises)]);
}

#[test]
fn as_many_waiting_calls_and_bytes_as_the_limits() {
    let mut side = Side::new(Limits { calls: 3, ..Limits::default() });
    side.take(&[promise(1, 0), on(0, 2), on(0, 3)].concat());
    assert_eq!(side.take(&on(0, 4)), [Seen::Limit(4, Limit::Calls)]);
    assert_eq!(side.known(), (1, 2));
    // Each has the arguments' byte.
    let mut side = Side::new(Limits { message: 100, ..Limits::default() });
    side.take(&promise(1, 0));
    let large = |id| frame(CALL, &[&[id, 3, 0, 0, 0, 1][..], &[NIL; 50]].concat());
    assert_eq!(side.take(&[large(2), large(3)].concat()), []);
    assert_eq!(side.take(&on(0, 4)), [Seen::Limit(4, Limit::Calls)]);
    assert_eq!(side.take(&frame(CANCEL, &[2])), [Seen::Cancelled(2)]);
    assert_eq!(side.take(&on(0, 5)), []);
}

#[test]
fn the_end_leaves_nothing() {
    let mut side = Side::new(Limits::default());
    side.take(&[promise(1, 0), on(0, 2), promise(3, 1), on(1, 4)].concat());
    side.fails(3);
    side.protocol.end();
    assert_eq!(side.known(), (0, 0));
    assert!(!side.protocol.has_work());
}
