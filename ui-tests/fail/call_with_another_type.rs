struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, by: u64) -> u64 {
        by
    }
}

fn call(store: StoreProxy) {
    drop(store.go("ten"));
}

fn main() {}
