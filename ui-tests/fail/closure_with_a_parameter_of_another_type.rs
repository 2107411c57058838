use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn sum(&self, block: Block<(u64, String), u64>) -> u64 {
        let _ = block;
        0
    }
}


fn call(store: StoreProxy) {
    drop(store.sum(|i: u64, text: u64| i + text));
}

fn main() {}
