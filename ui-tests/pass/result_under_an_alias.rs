type Done<T> = Result<T, String>;

struct Store;

#[drb::service]
impl Store {
    pub fn go(&self) -> Done<u64> {
        Ok(1)
    }
}

async fn call(store: StoreProxy) -> Result<u64, drb::CallError<String>> {
    store.go().await
}

fn main() {
    let _ = call;
}
