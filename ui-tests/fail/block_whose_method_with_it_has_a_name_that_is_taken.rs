use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Option<Block<(u64,)>>) {
        let _ = block;
    }

    pub fn each_with(&self) {}
}

fn main() {}
