struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[cfg(all())] a: u64) {
        let _ = a;
    }
}

fn main() {}
