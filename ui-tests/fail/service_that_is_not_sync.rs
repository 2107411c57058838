struct Store(std::cell::Cell<u64>);

#[drb::service]
impl Store {
    pub fn go(&self) {}
}

fn main() {}
