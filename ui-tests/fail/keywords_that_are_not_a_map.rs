struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(keywords)] all: u64) {
        let _ = all;
    }
}

fn main() {}
