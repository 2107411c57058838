use futures_util::{Stream, stream};

struct Store;

#[drb::service]
impl Store {
    pub fn numbers(&self) -> Option<impl Stream<Item = u64>> {
        Some(stream::iter(0..9))
    }
}

fn main() {}
