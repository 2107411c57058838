use drb::Stream;

struct Store;

#[drb::service]
impl Store {
    pub async fn sum(&self, numbers: Stream<u64>) -> u64 {
        let _ = numbers;
        0
    }
}

async fn call(store: StoreProxy) -> drb::Result<u64> {
    store.sum(vec![1, 2, 3]).await
}

fn main() {}
