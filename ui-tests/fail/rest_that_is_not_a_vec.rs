struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(rest)] all: u64) {
        let _ = all;
    }
}

fn main() {}
