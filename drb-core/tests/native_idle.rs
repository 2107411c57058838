//! When a connection of the native wire ends because nobody needs it: what counts as needing it, to the
//! millisecond, and what the two sides say of it, with bytes after `docs/native.md`.

mod frames;

use drb_core::{
    Carried, Limit, Limits, LoadError, LoadErrorKind, ObjectId, Reference, Remote, Request,
    Session,
    dispatch::{Dispatch, Incoming, Invoked, MethodInfo},
    native::{Called, Calling, Connection, Home, Protocol, Received, Tables},
};
use frames::{CALL, CANCEL, NAME, frame};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

const RESULT: u8 = 0x11;
const RELEASE: u8 = 0x20;
const PING: u8 = 0x30;
const PONG: u8 = 0x31;
const GO_AWAY: u8 = 0x32;
const IDLE: u8 = 0x35;
const MORE: u8 = 0x80;
const REFERENCES: u8 = 0x40;
const NIL: u8 = 0xc0;

const ASKS: u8 = 0;
const NEEDED: u8 = 1;
const NOT_NEEDED: u8 = 2;

const LIMIT: Duration = Duration::from_secs(300);
const MS: Duration = Duration::from_millis(1);

fn idle(what: u8) -> Vec<u8> {
    frame(IDLE, &[what])
}

struct Nobody;

impl Home for Nobody {
    fn local(&self, _: Arc<dyn Dispatch>) -> Remote {
        unreachable!("nothing comes home")
    }

    fn carry(&self, _: Arc<Connection>, _: &mut Request, _: &Context<'_>, _: &mut Carried) {
        unreachable!("nothing is called")
    }

    fn remote(&self, _: Reference) -> Remote {
        unreachable!("nothing is elsewhere")
    }
}

struct Thing;

impl Dispatch for Thing {
    fn class(&self) -> &'static str {
        "Thing"
    }

    fn find(&self, _: &str) -> Option<usize> {
        None
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        call.no_method("Thing")
    }
}

/// One side, of which a test writes the other one.
struct Side {
    connection: Arc<Connection>,
    now: Instant,
}

impl Side {
    /// The side that was connected to.
    fn server() -> Self {
        let side = Self::client();
        side.connection.protocol().end_when_idle(side.now);
        side
    }

    fn client() -> Self {
        let limits = Arc::new(Limits { idle: LIMIT, ..Limits::default() });
        let connection = Connection::new(&limits, "drb://there".into(), Nobody);
        let mut side = Self { connection, now: Instant::now() };
        side.said();
        side.hears(&frame(NAME, b"m"));
        side
    }

    /// Takes bytes that make no call.
    fn try_hear(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.calls(bytes, |connection, received| {
            panic!("{:?} {received:?}", connection.uri());
        })
    }

    fn hears(&mut self, bytes: &[u8]) {
        self.try_hear(bytes).unwrap();
    }

    /// Takes bytes, and does this with the calls in them.
    fn calls(
        &mut self,
        bytes: &[u8],
        mut call: impl FnMut(&Arc<Connection>, Option<&Called<'_>>),
    ) -> Result<(), LoadError> {
        let mut at = 0;
        while at < bytes.len() {
            let mut called = None;
            let received =
                self.connection.protocol().receive(&bytes[at..], self.now, &mut called)?;
            match received {
                Received::Nothing(len) => at += len,
                Received::Call(len) | Received::Refused(len, ..) | Received::Cancelled(len, _) => {
                    at += len;
                    call(&self.connection, called.as_ref());
                }
                Received::Needs(_) | Received::Large => panic!("all is there"),
            }
        }
        self.rest();
        Ok(())
    }

    /// What a driver does when it has nothing else to do.
    fn rest(&self) -> Option<Instant> {
        self.connection.protocol().wakes_at(|| self.now)
    }

    /// Time passes, in which the driver may wake by itself.
    fn sleep(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.rest().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.connection.protocol().expire(self.now);
            assert!(self.rest().is_none_or(|next| next > self.now), "it turns round and round");
        }
        self.now = until;
    }

    /// What it has to send.
    fn said(&mut self) -> Vec<u8> {
        let (mut out, now) = (Vec::new(), self.now);
        let piece = self.connection.protocol().transmit(&mut out, usize::MAX, || now);
        assert!(piece.is_none());
        self.rest();
        out
    }

    /// Takes a call, which is answered at once.
    fn serves(&mut self, call: &[u8]) {
        self.calls(call, |connection, called| {
            answer(connection, called.expect("a call").id);
        })
        .unwrap();
    }

    fn answer(&mut self, id: u32) {
        answer(&self.connection, id);
        self.rest();
    }

    fn is_idle(&self) -> bool {
        self.connection.protocol().is_idle()
    }

    /// It says nothing for a millisecond less than the limit, and then asks.
    #[track_caller]
    fn asks_at_the_limit(&mut self) {
        self.sleep(LIMIT - MS);
        assert_eq!(self.said(), []);
        self.sleep(MS);
        assert_eq!(self.said(), idle(ASKS));
    }

    /// The same, but it may find out late since when it is idle.
    #[track_caller]
    fn asks_about_the_limit(&mut self) {
        self.sleep(LIMIT - MS);
        assert_eq!(self.said(), []);
        self.sleep(MS + LIMIT / 10);
        assert_eq!(self.said(), idle(ASKS));
    }

    /// It doesn't ask, however long that takes.
    #[track_caller]
    fn does_not_ask(&mut self) {
        self.sleep(LIMIT * 7);
        assert_eq!(self.said(), []);
        assert!(!self.is_idle());
    }
}

fn answer(connection: &Connection, id: u32) {
    connection.protocol().answer(id, true, &mut vec![NIL], &mut Default::default(), false);
}

fn call(id: u8) -> Vec<u8> {
    frame(CALL, &[id, 0, 0, 0, 1, NIL])
}

#[test]
fn at_the_limit_and_not_before() {
    let mut side = Side::server();
    side.asks_at_the_limit();
    assert!(!side.is_idle(), "the peer has something to say to it");
    side.hears(&idle(NOT_NEEDED));
    assert!(side.is_idle());
    // The side that has connected never does.
    Side::client().does_not_ask();
}

#[test]
fn since_the_last_call() {
    let mut side = Side::server();
    for _ in 0..3 {
        side.sleep(LIMIT - MS);
        side.serves(&call(1));
        assert_eq!(side.said(), frame(RESULT, &[1, NIL]));
    }
    side.asks_at_the_limit();
}

#[test]
fn pings_are_no_use_of_it() {
    let mut side = Side::server();
    for _ in 0..20 {
        side.sleep(LIMIT / 20 - MS);
        side.connection.protocol().ping();
        side.hears(&[frame(PING, &[]), frame(PONG, &[])].concat());
        assert_eq!(side.said(), [frame(PING, &[]), frame(PONG, &[])].concat());
    }
    side.sleep(MS * 20);
    assert_eq!(side.said(), idle(ASKS));
}

#[test]
fn a_call_of_the_peer_s_is_under_way() {
    let mut side = Side::server();
    side.calls(&call(1), |_, _| ()).unwrap();
    side.does_not_ask();
    side.answer(1);
    side.said();
    side.asks_about_the_limit();
    // Also one that is refused, or was cancelled, until it is answered.
    let mut side = Side::server();
    side.calls(&[call(1), frame(CANCEL, &[1])].concat(), |_, _| ()).unwrap();
    side.does_not_ask();
    side.answer(1);
    side.said();
    side.asks_about_the_limit();
}

#[test]
fn a_call_of_this_side_s_is_under_way() {
    let mut side = Side::server();
    let mut calling = Calling {
        promise: None,
        target: &ObjectId::Front,
        method: "m",
        signature: None,
        count: 0,
        keywords: false,
        block: None,
        deadline: None,
        body: &mut Vec::new(),
        tail: None,
        shapes: 0,
        references: false,
    };
    let id = side.connection.protocol().call(&mut calling, || side.now, None).unwrap();
    side.said();
    side.does_not_ask();
    side.hears(&frame(RESULT, &[id as u8, NIL]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(side.connection.protocol().poll_answer(id, &mut context).is_ready());
    side.asks_about_the_limit();
}

#[test]
fn a_message_arrives_in_part() {
    let mut side = Side::server();
    side.hears(&frame(CALL | MORE, &[1, 0, 0, 0, 1]));
    side.does_not_ask();
}

#[test]
fn a_message_is_sent_in_part() {
    let mut side = Side::server();
    side.calls(&call(1), |_, _| ()).unwrap();
    let mut large = vec![NIL; 8 << 20];
    side.connection.protocol().answer(1, true, &mut large, &mut Default::default(), false);
    assert!(side.said().len() > 1 << 20);
    side.does_not_ask();
}

#[test]
fn the_peer_holds_an_object() {
    let mut side = Side::server();
    let reference = side.connection.export(Arc::new(Thing)).unwrap();
    let ObjectId::Slot { slot, generation, .. } = *reference.id() else { panic!("{reference:?}") };
    side.does_not_ask();
    side.hears(&frame(RELEASE, &[slot as u8, generation as u8, 1]));
    side.asks_at_the_limit();
}

#[test]
fn an_object_of_the_peer_s_is_held() {
    let mut side = Side::server();
    let mut held = None;
    // An object of the sender's, in the place 7.
    let object = [0xc7, 9, 5, 0, 0, 0, 0, 7, 0, 0, 0, 0];
    let call = frame(CALL | REFERENCES, &[&[1, 0, 0, 0, 1][..], &object].concat());
    let hold = |connection: &Arc<Connection>, called: Option<&Called<'_>>| {
        let called = called.expect("a call");
        held = Some(connection.hold(called).unwrap());
    };
    side.calls(&call, hold).unwrap();
    side.answer(1);
    side.said();
    assert_eq!(side.connection.held(), (0, 1));
    side.does_not_ask();
    drop(held);
    assert_eq!(side.said(), frame(RELEASE, &[7, 0, 1]));
    side.asks_about_the_limit();
}

/// A stream's reader has the stream, and mostly a call under way for its next items.
#[test]
fn a_stream_is_open() {
    let mut side = Side::server();
    side.connection.export(Arc::new(Thing)).unwrap();
    let next = frame(CALL, &[1, 1, 0, 0, 0, 0, 1, 0]);
    side.calls(&next, |_, _| ()).unwrap();
    side.does_not_ask();
    side.answer(1);
    side.said();
    // The reader waits for its own sake.
    side.does_not_ask();
    side.hears(&frame(RELEASE, &[0, 0, 1]));
    side.asks_at_the_limit();
}

#[test]
fn a_promise_is_kept() {
    let mut side = Side::server();
    side.calls(&frame(CALL, &[1, 0, 0, 8, 0, 1, NIL]), |_, _| ()).unwrap();
    side.connection.protocol().keep(1, None, &[NIL]);
    side.answer(1);
    side.said();
    side.does_not_ask();
    side.hears(&frame(0x22, &[0]));
    side.asks_at_the_limit();
}

/// Lets two sides talk until they have nothing more to say.
fn talk(server: &mut Side, client: &mut Side) -> Vec<u8> {
    let mut said = Vec::new();
    loop {
        let (one, other) = (server.said(), client.said());
        if one.is_empty() && other.is_empty() {
            return said;
        }
        client.hears(&one);
        server.hears(&other);
        said.extend(other);
    }
}

/// What only the other side knows of: there, somebody waits for the connection's end.
#[test]
fn the_peer_waits_for_the_end() {
    let (mut server, mut client) = (Side::server(), Side::client());
    let mut closing = Box::pin(client.connection.closed(()).expect("it goes on"));
    for _ in 0..3 {
        server.sleep(LIMIT - MS);
        assert_eq!(talk(&mut server, &mut client), []);
        for side in [&mut server, &mut client] {
            side.sleep(MS);
        }
        assert_eq!(talk(&mut server, &mut client), idle(NEEDED));
        assert!(!server.is_idle() && !client.connection.protocol().has_gone_away());
        let mut context = Context::from_waker(Waker::noop());
        assert!(closing.as_mut().poll(&mut context).is_pending());
        client.now = server.now;
    }
    drop(closing);
    server.sleep(LIMIT);
    client.now = server.now;
    assert_eq!(talk(&mut server, &mut client), idle(NOT_NEEDED));
    assert!(server.is_idle());
    // From here on nothing is begun, nor waited for, over this connection.
    assert!(client.connection.protocol().has_gone_away());
    assert!(client.connection.closed(()).is_none());
}

#[test]
fn the_peer_has_something_that_nobody_knows_of_yet() {
    // An object that it has put into a call which isn't made yet.
    let (mut server, mut client) = (Side::server(), Side::client());
    let reference = client.connection.export(Arc::new(Thing)).unwrap();
    server.sleep(LIMIT);
    assert_eq!(talk(&mut server, &mut client), idle(NEEDED));
    let ObjectId::Slot { slot, generation, .. } = *reference.id() else { panic!("{reference:?}") };
    client.connection.take_back(slot, generation);
    server.sleep(LIMIT);
    client.now = server.now;
    assert_eq!(talk(&mut server, &mut client), idle(NOT_NEEDED));
}

/// A call and the question cross each other.
#[test]
fn a_call_comes_in_place_of_the_answer() {
    let mut side = Side::server();
    side.asks_at_the_limit();
    side.serves(&[call(1), idle(NEEDED)].concat());
    assert_eq!(side.said(), frame(RESULT, &[1, NIL]));
    side.asks_at_the_limit();
    side.hears(&idle(NOT_NEEDED));
    // What comes after that is none of those that it has taken.
    side.connection.protocol().go_away();
    side.calls(&call(2), |_, _| ()).unwrap();
    assert!(!side.is_idle());
    assert_eq!(side.said(), frame(GO_AWAY, &[1]));
}

#[test]
fn who_does_not_answer_does_not_need_it() {
    let stall = Limits::default().stall;
    let mut side = Side::server();
    side.asks_at_the_limit();
    // A sign of life is no answer.
    side.hears(&frame(PONG, &[]));
    side.sleep(stall - MS);
    assert!(!side.is_idle());
    side.sleep(MS);
    assert_eq!(side.said(), []);
    assert!(side.is_idle());
    // In the last moment.
    let mut side = Side::server();
    side.asks_at_the_limit();
    side.sleep(stall - MS);
    side.hears(&idle(NEEDED));
    side.asks_at_the_limit();
}

/// To the peer, a question is what a ping is.
#[test]
fn questions_keep_their_distance() {
    let limits = Arc::new(Limits { idle: MS, ..Limits::default() });
    let mut protocol = Protocol::new(&limits, Arc::new(Tables::new()));
    let (begun, mut questions) = (Instant::now(), 0);
    let mut now = begun;
    protocol.end_when_idle(now);
    assert!(protocol.transmit(&mut Vec::new(), usize::MAX, || now).is_none());
    while now < begun + Duration::from_secs(100) {
        now = protocol.wakes_at(|| now).expect("it goes on");
        protocol.expire(now);
        let mut out = Vec::new();
        assert!(protocol.transmit(&mut out, usize::MAX, || now).is_none());
        if !out.is_empty() {
            assert_eq!(out, idle(ASKS));
            questions += 1;
            protocol.receive(&idle(NEEDED), now, &mut None).unwrap();
        }
    }
    assert_eq!(questions, 11);

    let mut side = Side::client();
    side.hears(&[idle(ASKS), idle(ASKS), idle(ASKS)].concat());
    assert_eq!(side.said(), idle(NOT_NEEDED).repeat(3));
    let error = side.try_hear(&idle(ASKS)).unwrap_err();
    assert!(matches!(error.kind(), LoadErrorKind::Limit { limit: Limit::Pings, .. }), "{error}");
}

#[test]
fn what_makes_no_sense_ends_the_connection() {
    for bytes in [idle(NEEDED), idle(NOT_NEEDED), idle(3), frame(IDLE, &[]), frame(IDLE, &[0, 0])] {
        let error = Side::server().try_hear(&bytes).unwrap_err();
        assert!(matches!(error.kind(), LoadErrorKind::Malformed { .. }), "{error}");
    }
    // One question has one answer.
    let mut side = Side::server();
    side.asks_at_the_limit();
    assert!(side.try_hear(&idle(NEEDED).repeat(2)).is_err());
}

/// However long the limit is, nothing is reckoned beyond the end of time.
#[test]
fn never() {
    let limits = Arc::new(Limits { idle: Duration::MAX, ..Limits::default() });
    let mut protocol = Protocol::new(&limits, Arc::new(Tables::new()));
    protocol.end_when_idle(Instant::now());
    assert_eq!(protocol.wakes_at(Instant::now), None);
    protocol.expire(Instant::now());
    assert!(!protocol.is_idle());
}

#[test]
fn a_watcher_is_told_when_the_connection_ends_all_the_same() {
    let side = Side::client();
    let mut closing = pin!(side.connection.closed(()).expect("it goes on"));
    let mut context = Context::from_waker(Waker::noop());
    assert!(closing.as_mut().poll(&mut context).is_pending());
    side.connection.protocol().end();
    let Poll::Ready(reason) = closing.poll(&mut context) else { panic!("it isn't told") };
    assert_eq!(reason, drb_core::Closed::ConnectionLost);
}
