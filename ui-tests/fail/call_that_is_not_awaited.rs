#![deny(unused_must_use)]

struct Store;

#[drb::service]
impl Store {
    pub fn go(&self) {}
}

fn call(store: StoreProxy) {
    store.go();
}

fn main() {}
