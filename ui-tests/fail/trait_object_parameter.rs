struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, value: &dyn std::fmt::Debug) {
        let _ = value;
    }
}

fn main() {}
