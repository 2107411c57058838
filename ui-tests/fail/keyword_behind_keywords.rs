struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(keywords)] a: Vec<(String, u64)>, #[drb(keyword)] b: u64) {
        let _ = (a, b);
    }
}

fn main() {}
