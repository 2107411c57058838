struct Store;

#[drb::service]
impl Store {
    fn internal(&self) {}

    pub fn go(&self) {
        self.internal();
    }
}

fn call(store: StoreProxy) {
    drop(store.internal());
}

fn main() {}
