struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(keyword)] a: u64, b: u64) {
        let _ = (a, b);
    }
}

fn main() {}
