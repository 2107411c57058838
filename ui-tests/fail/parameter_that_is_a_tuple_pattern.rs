struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, (a, b): (u64, u64)) {
        let _ = (a, b);
    }
}

fn main() {}
