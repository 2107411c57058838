struct Store;

#[drb::service]
impl Store {
    #[drb(name = get)]
    pub fn go(&self) {}
}

fn main() {}
