//! Whatever a client sends to a server of Ruby's wire. The first byte says in what pieces it comes.
#![no_main]

use drb::DrbDumped;
use drb_core::{
    Context, DumpError, Limits, ObjectId, Objects, Peer, Reference, Remote, Session, Value, Wire,
    dispatch::{Dispatch, Invoked, Reply},
    ruby::{Broken, Receiver, ReplyReader, RequestHead, RequestReader},
};
use libfuzzer_sys::fuzz_target;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

#[derive(DrbDumped)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(DrbDumped)]
enum Order {
    Stop,
    Go(Point),
    Say { text: String },
}

struct Front;

/// One method for each way of taking arguments.
#[drb::service]
impl Front {
    pub fn echo(&self, value: Value) -> Value {
        value
    }

    pub fn echo_many(&self, #[drb(rest)] values: Vec<Value>) -> Vec<Value> {
        values
    }

    pub fn add(&self, one: i64, #[drb(default = 1)] other: i64) -> i64 {
        one.wrapping_add(other)
    }

    pub fn text(&self, text: &str, bytes: &[u8]) -> usize {
        text.len() + bytes.len()
    }

    pub fn kw(
        &self,
        a: u8,
        #[drb(keyword)] b: Option<u64>,
        #[drb(keywords)] rest: BTreeMap<String, Value>,
    ) -> usize {
        usize::from(a) + usize::from(b.is_some()) + rest.len()
    }

    pub fn order(&self, order: Order, points: Vec<Point>) -> Result<f64, String> {
        match order {
            Order::Stop => Err("stopped".to_owned()),
            Order::Go(Point { x, y }) => Ok(points.iter().fold(x + y, |sum, p| sum + p.x + p.y)),
            Order::Say { text } => Err(text),
        }
    }
}

/// A peer that nothing can be passed to by reference.
struct Alone;

impl Session for Alone {
    fn export(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        Err(DumpError::NoServer { class: object.class() })
    }

    fn lend(&self, object: Arc<dyn Dispatch>) -> Result<Reference, DumpError> {
        self.export(object)
    }

    fn withdraw(&self, _: &Reference) {}

    fn local(&self, _: &Reference) -> Option<Arc<dyn Dispatch>> {
        None
    }

    fn remote(&self, _: Reference) -> Remote {
        unreachable!("no method takes a proxy")
    }
}

static OBJECTS: LazyLock<Objects> = LazyLock::new(|| {
    Objects::new(Some(Arc::new(Front)), 10, Duration::from_secs(1))
        .with_name("front", Arc::new(Front))
});
static CONTEXT: LazyLock<Context> =
    LazyLock::new(|| Context::new(Peer::Local, Wire::Ruby, "druby://localhost:9000"));
static SESSION: LazyLock<Arc<dyn Session>> = LazyLock::new(|| Arc::new(Alone));

fuzz_target!(|bytes: &[u8]| {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let limits = Arc::new(Limits { frame: 1 << 16, message: 1 << 17, ..Limits::default() });
    let whole = read(bytes, bytes.len().max(1), &limits);
    let pieces = read(bytes, usize::from(*step).max(1), &limits);
    assert!(whole == pieces, "{whole:?} is not {pieces:?}");

    let mut start = 0;
    for request in &whole.0 {
        let message = &bytes[start..start + request.len];
        serve(request, message, &limits);
        start += request.len;
    }
});

/// The requests in `bytes`, which come in pieces of `step` bytes, and why there are no more.
fn read(bytes: &[u8], step: usize, limits: &Limits) -> (Vec<RequestHead>, Option<Broken>) {
    let mut reader = RequestReader::new(limits);
    let (mut requests, mut start, mut end) = (Vec::new(), 0, 0);
    loop {
        match reader.advance(&bytes[start..end]) {
            Ok(Some(request)) => {
                start += request.len;
                requests.push(request);
            }
            Ok(None) if end == bytes.len() => return (requests, None),
            Ok(None) => {
                assert!(reader.needs() > end - start, "it needs what is there");
                end = (end + step).min(bytes.len());
            }
            Err(broken) => return (requests, Some(broken)),
        }
    }
}

/// Every request has a reply, and the reply is one.
fn serve(request: &RequestHead, message: &[u8], limits: &Arc<Limits>) {
    let receiver = Receiver { objects: &OBJECTS, context: &CONTEXT, session: &SESSION, limits };
    let reply = Reply::new(Wire::Ruby, limits, Some(Arc::clone(&SESSION)));
    let Invoked::Done(mut completed) = receiver.serve(request, message, reply, Instant::now())
    else {
        panic!("no method takes its time");
    };
    let failed = completed.failure().is_some();
    let panicked = completed
        .failure()
        .is_some_and(|failure| failure.field("reason").and_then(Value::as_str) == Some("Panic"));
    assert!(!panicked, "a method panicked");
    let mut reader = ReplyReader::new(&Limits::default());
    let bytes = completed.bytes();
    let reply = reader.advance(bytes).expect("a reply").expect("a whole reply");
    assert_eq!(reply.success, !failed);
    Value::from_marshal(&bytes[reply.body]).expect("a value or an exception");
    if request.target == ObjectId::Front && request.method == "__send__" {
        assert!(!reply.success, "reflection");
    }
}
