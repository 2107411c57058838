struct Store;

#[drb::service]
impl Store {
    #[drb(name = "get")]
    pub fn fetch(&self) {}

    pub fn get(&self) {}
}

fn main() {}
