use drb::Block;

struct Store;

#[drb::service]
impl Store {
    pub async fn each(&self, block: Block<(u8, u8, u8, u8, u8, u8, u8, u8, u16)>) {
        let _ = block;
    }
}

fn main() {}
