struct Store;

#[drb::service]
impl Store {
    #[drb(name = "get")]
    fn go(&self) {}
}

fn main() {}
