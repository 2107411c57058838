struct Store;

#[drb::service]
impl Store {
    #[allow(dead_code)]
    fn internal(&self) {}
}

fn main() {}
