struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, by: u64, extra: u64) -> u64 {
        by + extra
    }
}

fn call(store: StoreProxy) {
    drop(store.go(1));
}

fn main() {}
