struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(rest)] a: Vec<u64>, #[drb(rest)] b: Vec<u64>) {
        let _ = (a, b);
    }
}

fn main() {}
