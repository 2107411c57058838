use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub fn each(&self, block: Block<(u64,)>) {
        let _ = block;
    }

    #[drb(blocking)]
    pub fn later(&self, block: Option<Block>) {
        let _ = block;
    }
}

#[drb::service]
trait Each {
    fn each(&self, block: Block<(u64,)>);
}

fn main() {}
