struct Store;

#[drb::service]
impl Store {
    pub const fn go(&self) {}
}

fn main() {}
