use drb::prelude::*;

#[derive(DrbUndumped)]
struct Store;

#[drb::service]
impl Store {
    pub fn count(&self) -> u64 {
        0
    }
}

fn count(store: &StoreProxy) {
    _ = store.count().pipelined();
}

fn main() {}
