struct Store;

#[drb::service]
impl Store {
    #[drb(skip, blocking)]
    pub fn go(&self) {}
}

fn main() {}
