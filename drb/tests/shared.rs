//! An `Arc` as a result: of a value it is a copy, of an object a reference to that very object.

mod wires;

use drb::{DrbDumped, DrbUndumped, Dumper, Exclusive};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wires::{On, everywhere};

#[derive(Debug, Clone, PartialEq, DrbDumped)]
struct Entry {
    hits: u64,
}

#[derive(Default, DrbUndumped)]
struct Counter(AtomicU64);

#[drb::service]
impl Counter {
    pub fn inc(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[derive(Default, DrbUndumped)]
struct Stack(Vec<u64>);

#[drb::service]
impl Stack {
    pub fn push(&mut self, value: u64) -> u64 {
        self.0.push(value);
        self.0.len() as u64
    }
}

struct Front {
    entry: Arc<Entry>,
    counter: Arc<Counter>,
    stack: Arc<Exclusive<Stack>>,
}

#[drb::service]
impl Front {
    pub fn entry(&self) -> Arc<Entry> {
        Arc::clone(&self.entry)
    }

    pub fn counters(&self) -> Vec<Arc<Counter>> {
        vec![Arc::clone(&self.counter), Arc::clone(&self.counter)]
    }

    pub fn stack(&self) -> Arc<Exclusive<Stack>> {
        Arc::clone(&self.stack)
    }
}

everywhere!(what_is_shared_crosses);

async fn what_is_shared_crosses(wire: On) {
    let counter = Arc::new(Counter::default());
    let front = Front {
        entry: Arc::new(Entry { hits: 7 }),
        counter: Arc::clone(&counter),
        stack: Arc::new(Exclusive::new(Stack::default())),
    };
    let server = drb::start_service(wire.at(), front).await.unwrap();
    let proxy = FrontProxy::connect(&wire.uri(&server)).await.unwrap();
    assert_eq!(proxy.entry().await.unwrap(), Entry { hits: 7 });
    let counters = proxy.counters().await.unwrap();
    assert_eq!(counters.len(), 2);
    for counter in &counters {
        counter.inc().await.unwrap();
    }
    assert_eq!(counter.0.load(Ordering::Relaxed), 2);
    assert_eq!(proxy.stack().await.unwrap().push(1).await.unwrap(), 1);
    assert_eq!(proxy.stack().await.unwrap().push(2).await.unwrap(), 2);
}

/// An `Arc` of what needs an `Exclusive` can only be sent as long as nobody else holds it.
#[test]
fn what_needs_to_be_alone_is_refused_when_shared() {
    let stack = Arc::new(Stack::default());
    let mut out = Vec::new();
    let mut dumper = Dumper::marshal(&mut out, &drb::Limits::default(), None);
    let error = drb::Outbound::send(Arc::clone(&stack), &mut dumper).expect_err("shared");
    assert_eq!(
        error.to_string(),
        "a Stack whose methods take `&mut self` is shared: hold it as `Arc<Exclusive<_>>`"
    );
}
