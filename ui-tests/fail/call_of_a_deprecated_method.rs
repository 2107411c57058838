#![deny(deprecated)]

struct Store;

#[drb::service]
impl Store {
    #[deprecated = "use `run`"]
    pub fn go(&self) {}
}

fn call(store: StoreProxy) {
    drop(store.go());
}

fn main() {}
