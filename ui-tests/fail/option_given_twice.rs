struct Store;

#[drb::service]
impl Store {
    #[drb(name = "a", name = "b")]
    pub fn go(&self) {}
}

fn main() {}
