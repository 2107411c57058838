struct Store;

#[drb::service]
impl Store {
    #[drb(nmae = "get")]
    pub fn go(&self) {}
}

fn main() {}
