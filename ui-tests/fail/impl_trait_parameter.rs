struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, value: impl Into<String>) {
        let _ = value;
    }
}

fn main() {}
