struct Store;

#[drb::service]
impl Store {
    #[drb(skip = true)]
    pub fn go(&self) {}
}

fn main() {}
