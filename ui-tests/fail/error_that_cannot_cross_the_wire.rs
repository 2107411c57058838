struct NotError;
struct Store;

#[drb::service]
impl Store {
    pub async fn go(&self) -> Result<u64, NotError> {
        Err(NotError)
    }
}

fn main() {}
