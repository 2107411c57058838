use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Block<(u64,)>, done: Option<Block>) {
        let _ = (block, done);
    }
}

fn main() {}
