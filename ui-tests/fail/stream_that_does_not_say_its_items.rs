use futures_util::{Stream, stream};

struct Store;

#[drb::service]
impl Store {
    pub fn numbers(&self) -> impl Stream {
        stream::iter(0..9)
    }
}

fn main() {}
