use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn sum(&self, block: Block<(u64, String), u64>) -> u64 {
        let _ = block;
        0
    }
}


use std::ops::ControlFlow;

fn call(store: StoreProxy) {
    drop(store.sum(|i, _| match i {
        0 => ControlFlow::Break("none"),
        i => ControlFlow::Continue(i),
    }));
}

fn main() {}
