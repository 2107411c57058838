struct Store;

#[drb::service]
impl Store {
    pub fn connect(&self) {}
}

fn main() {}
