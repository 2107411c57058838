use drb::Block;

struct Entry;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Block<(u64,), Entry>) {
        let _ = block;
    }
}

fn main() {}
