struct Store;

#[drb::service]
impl Store {
    pub fn go(&self) -> impl Future<Output = u64> + Send {
        std::future::ready(1)
    }
}

fn main() {}
