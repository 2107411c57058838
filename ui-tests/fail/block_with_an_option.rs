use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, #[drb(default)] block: Block<(u64,)>) {
        let _ = block;
    }

    pub async fn all(&self, #[drb(rest)] block: Block<Vec<u64>>) {
        let _ = block;
    }
}

fn main() {}
