use futures_util::{Stream, stream};

struct Handle;

struct Store;

#[drb::service]
impl Store {
    pub fn handles(&self) -> impl Stream<Item = Handle> {
        stream::empty()
    }
}

fn main() {}
