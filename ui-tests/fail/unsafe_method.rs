struct Store;

#[drb::service]
impl Store {
    pub unsafe fn go(&self) {}
}

fn main() {}
