use futures_util::{Stream, stream};

struct Store(Vec<u64>);

#[drb::service]
impl Store {
    pub fn numbers(&mut self) -> impl Stream<Item = u64> {
        stream::iter(self.0.drain(..))
    }
}

fn main() {}
