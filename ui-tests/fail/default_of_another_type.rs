struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(default = "ten")] by: u64) {
        let _ = by;
    }
}

fn main() {}
