struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(default)] a: u64, b: u64, #[drb(default)] c: u64) {
        let _ = (a, b, c);
    }
}

fn main() {}
