struct Store;

#[drb::service]
impl Store {
    #[drb(name)]
    pub fn go(&self) {}
}

fn main() {}
