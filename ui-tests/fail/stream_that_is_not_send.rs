use futures_util::{Stream, StreamExt, stream};
use std::rc::Rc;

struct Store;

#[drb::service]
impl Store {
    pub fn numbers(&self) -> impl Stream<Item = u64> {
        let shared = Rc::new(1);
        stream::iter(0..9).map(move |number| number * *shared)
    }
}

fn main() {}
