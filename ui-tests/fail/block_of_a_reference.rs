use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Block<(&str, Vec<u8>), &[u8]>) {
        let _ = block;
    }
}

fn main() {}
