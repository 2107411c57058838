//! Each bound of the native wire, at the limit and one past it, with bytes written by hand after
//! `docs/native.md`. What exceeds one is refused alone wherever the protocol goes on.

mod frames;

use drb_core::{
    Budget, DumpError, Error, Field, Fields, Form, Limit, Limits, Load, LoadError, LoadErrorKind,
    Loader, ObjectId, Shape, Value,
    dispatch::{MethodInfo, ParamInfo, ParamKind, Signature},
    native::{Buffered, Calling, Ending, Protocol, Received, Tables},
};
use frames::{CALL, CANCEL, NAME, frame};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

const HELLO: u8 = 0x01;
const METHOD: u8 = 0x04;
const APART: u8 = 0x05;
const RESULT: u8 = 0x11;
const CHUNK: u8 = 0x13;
const TAIL: u8 = 0x15;
const TAKEN: u8 = 0x16;
const RELEASE: u8 = 0x20;
const GONE: u8 = 0x21;
const CUT_OFF: u8 = 0x23;
const PING: u8 = 0x30;
const PONG: u8 = 0x31;
const MORE: u8 = 0x80;

/// What stands before the arguments of call number `id`: the number, the front object, the first
/// method, no flags, one argument.
fn head(id: u8) -> [u8; 5] {
    [id, 0, 0, 0, 1]
}

/// A call whose message has so many bytes.
fn call(id: u8, len: usize) -> Vec<u8> {
    let mut body = head(id).to_vec();
    body.resize(len, 0xc0);
    frame(CALL, &body)
}

/// What has come of bytes.
#[derive(Debug, PartialEq)]
enum Seen {
    Call(u32),
    Refused(u32, Limit),
    Cancelled(u32),
}

struct Side {
    protocol: Protocol,
    now: Instant,
}

impl Side {
    fn new(limits: Limits) -> Self {
        let mut protocol = Protocol::new(&Arc::new(limits), Arc::new(Tables::new()));
        assert!(protocol.transmit(&mut Vec::new(), usize::MAX, Instant::now).is_none());
        let mut side = Self { protocol, now: Instant::now() };
        assert_eq!(side.take(&frame(NAME, b"m")), Ok(vec![]));
        side
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Seen>, LoadError> {
        let (mut at, mut seen) = (0, Vec::new());
        while at < bytes.len() {
            let mut called = None;
            at += match self.protocol.receive(&bytes[at..], self.now, &mut called)? {
                Received::Nothing(len) => len,
                Received::Call(len) => {
                    seen.push(Seen::Call(called.expect("a call").id));
                    len
                }
                Received::Refused(len, id, exception) => {
                    let Error::Limit { limit, .. } = Error::from_exception(*exception) else {
                        panic!("it says which limit")
                    };
                    seen.push(Seen::Refused(id, limit));
                    len
                }
                Received::Cancelled(len, id) => {
                    seen.push(Seen::Cancelled(id));
                    len
                }
                Received::Needs(_) | Received::Large => panic!("all is there"),
            };
        }
        Ok(seen)
    }

    /// What ends the connection.
    fn breaks(&mut self, bytes: &[u8]) -> Option<Limit> {
        match self.take(bytes).expect_err("the connection goes on").kind() {
            LoadErrorKind::Limit { limit, .. } => Some(*limit),
            _ => None,
        }
    }

    /// What it has to send.
    fn transmit(&mut self) -> Vec<u8> {
        let (mut out, now) = (Vec::new(), self.now);
        assert!(self.protocol.transmit(&mut out, usize::MAX, || now).is_none());
        out
    }

    /// Makes a call with so many bytes of arguments.
    fn call(&mut self, len: usize) -> Result<u32, DumpError> {
        self.call_method("m", len)
    }

    fn call_method(&mut self, method: &str, len: usize) -> Result<u32, DumpError> {
        self.call_as(method, None, len)
    }

    fn call_as(
        &mut self,
        method: &str,
        signature: Option<&'static Signature>,
        len: usize,
    ) -> Result<u32, DumpError> {
        let mut call = Calling {
            promise: None,
            target: &ObjectId::Front,
            method,
            signature,
            count: 1,
            keywords: false,
            block: None,
            deadline: None,
            body: &mut vec![0xc0; len],
            tail: None,
            shapes: 0,
            references: false,
        };
        self.protocol.call(&mut call, || self.now, None)
    }

    fn answer(&mut self, id: u32) -> Result<usize, Limit> {
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ending::Answered(answer)) = self.protocol.poll_answer(id, &mut context)
        else {
            panic!("there is no answer")
        };
        answer.take().body.map(|body| body.len()).map_err(|error| match error.kind() {
            LoadErrorKind::Limit { limit, .. } => *limit,
            other => panic!("{other}"),
        })
    }
}

/// What a side of a later version says of itself, this one skips; and only where it is to be said.
#[test]
fn features() {
    let fresh = || {
        let protocol = Protocol::new(&Arc::default(), Arc::new(Tables::new()));
        Side { protocol, now: Instant::now() }
    };
    let mut side = fresh();
    let hello = frame(HELLO, b"\x01\x10sixteen bytes...\x07\0");
    let rest = [frame(NAME, b"m"), call(1, 6)].concat();
    assert_eq!(side.take(&[hello.clone(), rest].concat()), Ok(vec![Seen::Call(1)]));
    assert_eq!(side.breaks(&hello), None, "again");
    assert_eq!(fresh().breaks(&[frame(NAME, b"m"), hello.clone()].concat()), None, "too late");
    let tail = frame(TAIL, &[0, 1, 0, 0]);
    assert_eq!(fresh().breaks(&[tail, hello].concat()), None, "too late");
    assert_eq!(fresh().breaks(&frame(HELLO, b"\x01\x10six")), None, "cut off");
    // Without it, the frames of such features are none.
    assert_eq!(fresh().breaks(&frame(0x33, &[])), None);
}

#[test]
fn frames() {
    let limits = Limits { chunk_in: 1000, ..Limits::default() };
    assert_eq!(Side::new(limits).take(&call(1, 1000)), Ok(vec![Seen::Call(1)]));
    assert!(Side::new(limits).take(&call(1, 1001)).is_err());
}

/// All of the message counts: what stands before the arguments, too.
#[test]
fn messages_that_arrive() {
    let limits = Limits { message: 1000, ..Limits::default() };
    let mut side = Side::new(limits);
    let values = |len: usize| vec![0xc0; len];
    type Way = fn(&[u8]) -> Vec<u8>;
    let ways: [(&str, Way); 3] = [
        ("in one frame", |message| frame(CALL, message)),
        ("in a first frame that is all but the last byte", |message| {
            let (last, before) = message.split_last().unwrap();
            [frame(CALL | MORE, before), frame(CHUNK, &[0, message[0], *last])].concat()
        }),
        ("in two", |message| {
            let (first, second) = message.split_at(500);
            let chunk = [&[0, message[0]], second].concat();
            [frame(CALL | MORE, first), frame(CHUNK, &chunk)].concat()
        }),
    ];
    for (what, way) in ways {
        let message = |id, len: usize| [&head(id)[..], &values(len - 5)].concat();
        assert_eq!(side.take(&way(&message(1, 1000))), Ok(vec![Seen::Call(1)]), "{what}");
        let refused = Ok(vec![Seen::Refused(2, Limit::Message)]);
        assert_eq!(side.take(&way(&message(2, 1001))), refused, "{what}");
        assert_eq!(side.take(&call(3, 6)), Ok(vec![Seen::Call(3)]), "{what}");
    }
    // With the string that follows: the head, a byte, the string's length and the string.
    for (id, len, fits) in [(4, 990, true), (5, 991, false)] {
        let first = [&head(id)[..], &[0xc6], &u32::to_be_bytes(len)].concat();
        let tail = [&[0, id, 0], &values(len as usize)[..]].concat();
        let bytes = [frame(CALL | MORE, &first), frame(TAIL, &tail)].concat();
        let expected = match fits {
            true => Seen::Call(id.into()),
            false => Seen::Refused(id.into(), Limit::Message),
        };
        assert_eq!(side.take(&bytes), Ok(vec![expected]));
    }
    // Nothing is kept of what is refused.
    let mut endless = frame(CALL | MORE, &[&head(6)[..], &values(995)].concat());
    for _ in 0..100 {
        endless.extend(frame(CHUNK | MORE, &[&[0, 6], &values(1000)[..]].concat()));
    }
    endless.extend(frame(CHUNK, &[0, 6, 0xc0]));
    assert_eq!(side.take(&endless), Ok(vec![Seen::Refused(6, Limit::Message)]));
}

#[test]
fn answers_that_arrive() {
    let mut side = Side::new(Limits { message: 1000, ..Limits::default() });
    for (len, answer) in [(1000, Ok(999)), (1001, Err(Limit::Message))] {
        let id = side.call(1).unwrap();
        let body = [&[id as u8][..], &vec![0xc0; len - 1]].concat();
        assert_eq!(side.take(&frame(RESULT, &body)), Ok(vec![]));
        assert_eq!(side.answer(id), answer, "in one frame");
        let id = side.call(1).unwrap();
        let body = [&[id as u8][..], &vec![0xc0; len - 2]].concat();
        side.take(&frame(RESULT | MORE, &body)).unwrap();
        side.take(&frame(CHUNK, &[1, id as u8, 0xc0])).unwrap();
        assert_eq!(side.answer(id), answer, "in two");
    }
}

#[test]
fn messages_that_are_sent() {
    let limits = Limits { message: 1000, ..Limits::default() };
    let mut side = Side::new(limits);
    side.call(0).unwrap();
    assert!(side.protocol.transmit(&mut Vec::new(), usize::MAX, Instant::now).is_none());
    assert_eq!(side.call(996), Err(DumpError::Limit { limit: Limit::Message, max: 1000 }));
    side.call(995).unwrap();
    let mut sent = Vec::new();
    assert!(side.protocol.transmit(&mut sent, usize::MAX, Instant::now).is_none());
    assert_eq!(sent[..5], [CALL, 0, 3, 232, 1], "one frame, of a message of 1000 bytes");
    assert_eq!(sent.len(), 1004);
    // What is sent in the end, the other side takes.
    assert_eq!(Side::new(limits).take(&sent), Ok(vec![Seen::Call(1)]));
}

#[test]
fn names_of_methods() {
    // A quarter of the peer's memory is for them, each its length and 64 bytes. Then they go with their calls.
    let mut side = Side::new(Limits { memory_base: 2 * 65 * 4, ..Limits::default() });
    for method in ["a", "b", "a", "c", "b"] {
        side.call_method(method, 1).unwrap();
    }
    let call = |id, method: &[u8]| frame(CALL, &[&[id, 0], method, &[0, 1, 0xc0]].concat());
    let told = [frame(NAME, b"a"), call(0, b"\0"), frame(NAME, b"b"), call(1, b"\x01")].concat();
    let then = [call(2, b"\0"), call(3, b"\xff\xff\xff\xff\x0f\x01c"), call(4, b"\x01")].concat();
    let sent = side.transmit();
    assert_eq!(sent, [told, then].concat());
    let mut other = Side::new(Limits::default());
    assert_eq!(other.take(&sent).unwrap().len(), 5);
    // Of a length.
    side.call_method(&"m".repeat(1024), 1).unwrap();
    let error = side.call_method(&"m".repeat(1025), 1).unwrap_err();
    assert!(matches!(error, DumpError::Custom(_)), "{error}");
    assert_eq!(other.take(&side.transmit()).unwrap().len(), 1);
    // Those of the peer's take memory as well.
    let mut side = Side::new(Limits { memory_base: 10 * 65, ..Limits::default() });
    side.take(&frame(NAME, b"x").repeat(9)).unwrap();
    assert_eq!(side.breaks(&frame(NAME, b"x")), Some(Limit::Memory));
}

#[test]
fn signatures_of_methods() {
    // A name, a result, and so many parameters of a name and a type of one byte.
    let method = |params: usize| [&b"\x01m\x01r"[..], &b"\0\x01a\x01t".repeat(params)].concat();
    // The length and 64 bytes, and 64 bytes for each parameter.
    let most = 2 * (4 + 64) + 3 * (5 + 64);
    let mut side = Side::new(Limits { memory_base: 65 + most, ..Limits::default() });
    side.take(&[frame(METHOD, &method(0)), frame(METHOD, &method(3))].concat()).unwrap();
    assert_eq!(side.breaks(&frame(NAME, b"")), Some(Limit::Memory));
    // What a peer says of a method of this side's counts as well. This one was told by its name alone.
    let apart = |number: u8, params| frame(APART, &[&[number][..], &method(params)].concat());
    let mut side = Side::new(Limits { memory_base: 4 * 65, ..Limits::default() });
    side.call(1).unwrap();
    side.take(&apart(0, 1)).unwrap();
    assert_eq!(side.breaks(&apart(0, 0)), Some(Limit::Memory));
    // What is malformed ends the connection.
    let unknown = frame(METHOD, b"\x01m\x01r\x07\x01a\x01t");
    let ends = frame(METHOD, b"\x01m\x01r\0\x01a\x02t");
    for bytes in [unknown, ends, frame(METHOD, b"\x01m"), frame(METHOD, b""), apart(0, 0)] {
        assert_eq!(Side::new(Limits::default()).breaks(&bytes), None, "{bytes:x?}");
    }
}

/// What isn't told is missed in errors only.
#[test]
fn signatures_that_are_told() {
    const fn signature(ty: &'static str) -> Signature {
        let params = &[ParamInfo { name: "a", kind: ParamKind::Required, ty: "t" }];
        let info = MethodInfo { name: "m", params, result: ty, exclusive: false, no_cancel: false };
        Signature::new(info)
    }
    static SIGNATURES: [Signature; 3] = [signature("a"), signature("b"), signature("c")];
    // Half of the memory is for them: what is in a frame, and 128 bytes.
    let mut side = Side::new(Limits { memory_base: 4 * (9 + 128), ..Limits::default() });
    for signature in [0, 1, 2, 0, 1, 2] {
        side.call_as("m", Some(&SIGNATURES[signature]), 1).unwrap();
    }
    let sent = side.transmit();
    let call = |id, method| frame(CALL, &[id, 0, method, 0, 1, 0xc0]);
    let told = [
        frame(METHOD, b"\x01m\x01a\0\x01a\x01t"),
        call(0, 0),
        frame(METHOD, b"\x01m\x01b\0\x01a\x01t"),
        call(1, 1),
        frame(NAME, b"m"),
        call(2, 2),
    ];
    let again = [call(3, 0), call(4, 1), call(5, 2)];
    assert_eq!(sent, [told.concat(), again.concat()].concat());
    // One that is longer than a frame is not told either.
    let mut side = Side::new(Limits { chunk: 8, ..Limits::default() });
    side.call_as("m", Some(&SIGNATURES[0]), 1).unwrap();
    let sent = side.transmit();
    assert!(sent.starts_with(&frame(NAME, b"m")), "{sent:x?}");
}

#[test]
fn messages_in_part() {
    let mut side = Side::new(Limits { partial: 2, ..Limits::default() });
    let part = |id| frame(CALL | MORE, &head(id));
    side.take(&[part(1), part(2)].concat()).unwrap();
    assert_eq!(side.take(&frame(CHUNK, &[0, 1, 0xc0])), Ok(vec![Seen::Call(1)]));
    side.take(&part(3)).unwrap();
    assert_eq!(side.breaks(&part(4)), Some(Limit::Partial));
}

#[test]
fn memory_for_what_arrives_in_part() {
    const FREE: usize = 64 << 10;
    let buffered = Arc::new(Buffered::new(100_000));
    let sides = [(), ()].map(|()| {
        let mut side = Side::new(Limits::default());
        side.protocol.share(&buffered);
        side
    });
    let [mut one, mut other] = sides;
    let part = |id, len: usize| {
        let mut body = head(id).to_vec();
        body.resize(len, 0xc0);
        frame(CALL | MORE, &body)
    };
    let more = |id, len: usize| frame(CHUNK | MORE, &[&[0, id], &vec![0xc0; len][..]].concat());
    let end = |id| frame(CHUNK, &[0, id, 0xc0]);
    // All of it is taken by one of the two, and what is free for each.
    one.take(&part(1, FREE + 99_999)).unwrap();
    other.take(&part(1, FREE + 1)).unwrap();
    other.take(&more(1, 1)).unwrap();
    assert_eq!(other.take(&end(1)), Ok(vec![Seen::Refused(1, Limit::Buffered)]));
    assert_eq!(other.take(&call(2, 6)), Ok(vec![Seen::Call(2)]), "small ones are served");
    // There is room again when the message is there as a whole, or is cancelled, or at the end.
    let fits = |other: &mut Side| {
        let bytes = [part(3, FREE + 90_000), end(3)].concat();
        other.take(&bytes).unwrap() == [Seen::Call(3)]
    };
    assert!(!fits(&mut other));
    let full = one
        .protocol
        .receive(&end(1), one.now, &mut None)
        .map(|received| matches!(received, Received::Call(..)));
    assert_eq!(full, Ok(true));
    assert!(fits(&mut other));
    one.take(&part(1, FREE + 99_999)).unwrap();
    assert!(!fits(&mut other));
    let cancel = frame(CANCEL, &[1]);
    assert!(matches!(one.protocol.receive(&cancel, one.now, &mut None), Ok(Received::Refused(..))));
    assert!(fits(&mut other));
    one.take(&part(1, FREE + 99_999)).unwrap();
    assert!(!fits(&mut other));
    one.protocol.end();
    assert!(fits(&mut other));
}

#[test]
fn arguments() {
    let mut side = Side::new(Limits::default());
    // 256 is two bytes.
    for (count, seen) in
        [([0x80, 2], Seen::Call(1)), ([0x81, 2], Seen::Refused(1, Limit::Arguments))]
    {
        let body = [&[1, 0, 0, 0][..], &count, &[0xc0; 257]].concat();
        assert_eq!(side.take(&frame(CALL, &body)), Ok(vec![seen]));
    }
}

#[test]
fn cancels() {
    let limits = Limits { cancels: 10, ..Limits::default() };
    let mut side = Side::new(limits);
    let cancel = frame(CANCEL, &[1]);
    for _ in 0..10 {
        assert_eq!(side.take(&cancel), Ok(vec![Seen::Cancelled(1)]));
    }
    assert_eq!(side.breaks(&cancel), Some(Limit::Cancels));
    side.now += Duration::from_secs(1);
    for _ in 0..2 {
        assert_eq!(side.take(&cancel), Ok(vec![Seen::Cancelled(1)]));
    }
    assert_eq!(side.breaks(&cancel), Some(Limit::Cancels));
}

/// However many calls this side cancels, it tells no more than the other one takes.
#[test]
fn cancels_that_are_sent() {
    let limits = Limits { cancels: 10, ..Limits::default() };
    let (mut here, mut there) = (Side::new(limits), Side::new(limits));
    let calls: Vec<u32> = (0..40).map(|_| here.call(1).unwrap()).collect();
    assert_eq!(there.take(&here.transmit()).unwrap().len(), 40);
    calls.iter().for_each(|id| here.protocol.abandon(*id));
    let mut cancelled = there.take(&here.transmit()).unwrap();
    assert_eq!(cancelled.len(), 5);
    // What has been answered meanwhile needs no word.
    for id in 5..20 {
        assert_eq!(here.take(&frame(RESULT, &[id, 0xc0])), Ok(vec![]));
    }
    while cancelled.len() < 25 {
        let at = here.protocol.wakes_at(Instant::now).expect("there are more");
        assert!(at > here.now && at <= here.now + Duration::from_secs(1));
        (here.now, there.now) = (at, at);
        here.protocol.expire(at);
        cancelled.extend(there.take(&here.transmit()).unwrap());
    }
    let expected: Vec<_> = (0..5).chain(20..40).map(Seen::Cancelled).collect();
    assert_eq!(cancelled, expected);
    assert_eq!(here.protocol.wakes_at(Instant::now), None);
}

#[test]
fn frames_with_nothing_in_them() {
    let limits = Limits { empty_frames: 10, ..Limits::default() };
    let empty = [
        frame(RELEASE, &[]),
        frame(GONE, &[]),
        frame(CUT_OFF, &[]),
        frame(TAKEN, &[0]),
        frame(PONG, &[]),
        frame(CHUNK | MORE, &[0, 1]),
        frame(TAIL | MORE, &[0, 1, 0]),
    ];
    for bytes in empty {
        let mut side = Side::new(limits);
        for _ in 0..2 {
            assert_eq!(side.take(&bytes.repeat(10)), Ok(vec![]), "{bytes:x?}");
            assert_eq!(side.take(&call(1, 6)), Ok(vec![Seen::Call(1)]));
        }
        assert_eq!(side.breaks(&bytes.repeat(11)), Some(Limit::EmptyFrames), "{bytes:x?}");
    }
    // Answers to what this side has asked are none of these.
    let mut side = Side::new(limits);
    for _ in 0..30 {
        side.protocol.ping();
        side.take(&frame(PONG, &[])).unwrap();
    }
}

#[test]
fn pings() {
    let mut side = Side::new(Limits::default());
    let mut ping = |seconds| {
        side.now += Duration::from_secs(seconds);
        match side.take(&frame(PING, &[])) {
            Ok(_) => None,
            Err(_) => Some(side.breaks(&frame(PING, &[]))),
        }
    };
    for seconds in [0, 1, 1, 5, 4, 4, 5, 15, 0, 0, 5] {
        assert_eq!(ping(seconds), None);
    }
    assert_eq!((ping(4), ping(4)), (None, None));
    assert_eq!(ping(4), Some(Some(Limit::Pings)));
}

fn load<T: Load>(bytes: &[u8], limits: &Limits) -> Result<T, Option<Limit>> {
    let tables = Tables::new();
    let budget = Budget::new(limits, bytes.len());
    T::load(&mut Loader::native(bytes, &tables, budget, None)).map_err(|error| match error.kind() {
        LoadErrorKind::Limit { limit, .. } => Some(*limit),
        _ => None,
    })
}

#[test]
fn values() {
    let limits = Limits::default();
    let nested = |depth: usize| [vec![0x91; depth - 1], vec![0x90]].concat();
    assert!(load::<Value>(&nested(128), &limits).is_ok());
    assert_eq!(load::<Value>(&nested(129), &limits), Err(Some(Limit::Depth)));

    let few = Limits { nodes: 10, ..limits };
    let nils = |count: u8| [vec![0x90 | count], vec![0xc0; count.into()]].concat();
    assert!(load::<Value>(&nils(9), &few).is_ok());
    assert_eq!(load::<Value>(&nils(10), &few), Err(Some(Limit::Nodes)));

    let integer = |len: usize| {
        let [a, b] = (len as u16 + 1).to_be_bytes();
        [vec![0xc8, a, b, 1, 0], vec![1; len]].concat()
    };
    assert!(load::<Value>(&integer(4096), &limits).is_ok());
    assert_eq!(load::<Value>(&integer(4097), &limits), Err(Some(Limit::Integer)));

    let references = |count: u8| {
        let one = [0xc7, 9, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        [vec![0x90 | count], one.repeat(count.into())].concat()
    };
    let few = Limits { references: 3, ..limits };
    assert!(load::<Value>(&references(3), &few).is_ok());
    assert_eq!(load::<Value>(&references(4), &few), Err(Some(Limit::References)));

    // A string takes what it has.
    let text = |len: usize| {
        let [a, b] = (len as u16).to_be_bytes();
        [vec![0xda, a, b], vec![b'a'; len]].concat()
    };
    let little = Limits { memory_factor: 0, memory_base: 1000, ..limits };
    assert!(load::<String>(&text(1000), &little).is_ok());
    assert_eq!(load::<String>(&text(1001), &little), Err(Some(Limit::Memory)));
}

/// What is within a value counts when that begins, whatever it is, and whether or not it has a type.
#[test]
fn each_value_counts_as_one() {
    #[track_caller]
    fn at<T: Load>(nodes: usize, bytes: &[u8]) {
        let limits = |nodes| Limits { nodes, ..Limits::default() };
        assert!(load::<T>(bytes, &limits(nodes)).is_ok());
        assert_eq!(load::<T>(bytes, &limits(nodes - 1)).err(), Some(Some(Limit::Nodes)));
        // What nobody wants, of which a mark is a part as all others are, and what has no type.
        let all = nodes + usize::from(matches!(bytes, [_, 0xc7 | 0xd4, ..]));
        assert!(load::<()>(bytes, &limits(all)).is_ok());
        assert_eq!(load::<()>(bytes, &limits(all - 1)), Err(Some(Limit::Nodes)));
        assert!(load::<Value>(bytes, &limits(nodes)).is_ok());
        assert_eq!(load::<Value>(bytes, &limits(nodes - 1)), Err(Some(Limit::Nodes)));
    }
    at::<i64>(1, &[5]);
    at::<i64>(1, &[0xd3, 0xff, 0, 0, 0, 0, 0, 0, 0]);
    at::<f64>(1, &[0xcb, 0, 0, 0, 0, 0, 0, 0, 0]);
    at::<bool>(1, &[0xc3]);
    at::<Option<bool>>(1, &[0xc0]);
    at::<String>(1, &[0xa1, b'a']);
    at::<Vec<bool>>(1, &[0x90]);
    at::<Vec<bool>>(4, &[0x93, 0xc2, 0xc3, 0xc2]);
    at::<Vec<bool>>(4, &[0xdc, 0, 3, 0xc2, 0xc3, 0xc2]);
    at::<Vec<Vec<bool>>>(6, &[0x93, 0x90, 0x92, 0xc2, 0xc3, 0x90]);
    at::<BTreeMap<u8, bool>>(5, &[0x82, 1, 0xc2, 2, 0xc3]);
    // Keywords, a set (both behind a mark, which is no value), and an object with names of its own.
    at::<BTreeMap<String, bool>>(3, &[0x93, 0xc7, 0, 20, 0xa1, b'k', 0xc3]);
    at::<BTreeSet<u8>>(3, &[0x93, 0xc7, 0, 19, 1, 2]);
    at::<Value>(3, &[0x93, 0xd4, 17, b'C', 0xa1, b'f', 0xc3]);
}

/// The fields of a struct count whether the one before was of the same type or not.
#[test]
fn structs_count_with_their_fields() {
    let tables = Tables::new();
    let fields = vec!["@a".to_owned(), "@b".to_owned()];
    tables.define("Pair".to_owned(), Form::Object, fields);
    let pair = [0x93, 0xd4, 16, 0, 0xc2, 0xc3];
    let bytes = [vec![0x93], pair.repeat(3)].concat();
    let load = |nodes, memory| {
        let limits = Limits { nodes, memory_factor: 0, memory_base: memory, ..Limits::default() };
        let budget = Budget::new(&limits, bytes.len());
        let loaded = Vec::<Pair>::load(&mut Loader::native(&bytes, &tables, budget, None));
        loaded.map(|pairs| pairs.len()).map_err(|error| error.to_string())
    };
    assert_eq!(load(10, 6), Ok(3));
    assert_eq!(load(9, 6), Err("[2]: the message exceeds the limit `nodes` of 9".into()));
    assert_eq!(load(3, 6), Err("the message exceeds the limit `nodes` of 3".into()));
    // The memory for all of them is taken before the first one comes.
    assert_eq!(load(10, 5), Err("[0]: the message exceeds the limit `memory` of 5".into()));
}

struct Pair(bool, bool);

static PAIR: Shape = Shape {
    class: "Pair",
    form: Form::Object,
    fields: &[Field { name: "a", ivar: "@a" }, Field { name: "b", ivar: "@b" }],
};

/// As the derive does it.
impl Load for Pair {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut fields = Fields::default();
        let mut pair = Self(false, false);
        if loader.begin(&PAIR, &mut fields)? {
            assert!(loader.comes(&PAIR, 0, &mut fields));
            pair.0 = bool::load(loader)?;
            assert!(loader.comes(&PAIR, 1, &mut fields));
            pair.1 = bool::load(loader)?;
            loader.end()?;
            return Ok(pair);
        }
        while let Some(position) = loader.field(&PAIR, &mut fields)? {
            let place = if position == 0 { &mut pair.0 } else { &mut pair.1 };
            *place = bool::load(loader)?;
        }
        loader.end()?;
        Ok(pair)
    }
}
