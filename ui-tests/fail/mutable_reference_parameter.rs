struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, value: &mut u64) {
        *value += 1;
    }
}

fn main() {}
