struct Store;

#[drb::service]
impl Store {
    pub fn go<T>(&self, value: T) {
        let _ = value;
    }
}

fn main() {}
