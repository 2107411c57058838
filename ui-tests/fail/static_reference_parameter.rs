struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, value: &'static str) {
        let _ = value;
    }
}

fn main() {}
