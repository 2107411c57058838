struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(optional)] a: u64) {
        let _ = a;
    }
}

fn main() {}
