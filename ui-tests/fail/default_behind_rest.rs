struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(rest)] all: Vec<u64>, #[drb(default)] a: u64) {
        let _ = (all, a);
    }
}

fn main() {}
