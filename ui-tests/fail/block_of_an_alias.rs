use drb::Block;

type Entry = (String, u64);

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Block<Entry>) {
        let _ = block;
    }
}

fn main() {}
