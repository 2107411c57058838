use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn sum(&self, block: Block<(u64, String), u64>) -> u64 {
        let _ = block;
        0
    }
}


async fn call(store: StoreProxy) -> drb::Result<u64> {
    store.sum(async |_, text| text).await
}

fn main() {}
