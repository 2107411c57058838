use futures_util::{Stream, stream};

struct Store;

#[drb::service]
impl Store {
    #[drb(blocking)]
    pub fn numbers(&self) -> impl Stream<Item = u64> {
        stream::iter(0..9)
    }
}

fn main() {}
