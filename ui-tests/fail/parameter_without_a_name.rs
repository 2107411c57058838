struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, _: u64) {}
}

fn main() {}
