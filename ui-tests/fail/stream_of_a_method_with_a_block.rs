use drb::Block;
use futures_util::{Stream, stream};

struct Store;

#[drb::service]
impl Store {
    pub async fn numbers(&self, _block: Block<(u64,)>) -> impl Stream<Item = u64> {
        stream::iter(0..9)
    }
}

fn main() {}
