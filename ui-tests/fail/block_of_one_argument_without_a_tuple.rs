use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Block<String, bool>) {
        let _ = block;
    }
}

fn main() {}
