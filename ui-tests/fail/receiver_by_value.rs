struct Store;

#[drb::service]
impl Store {
    pub fn go(self) {}
}

fn main() {}
