struct Store;

#[drb::service]
impl Store {
    #[drb(name = "get it", alias = "", alias = "1st", alias = "a.b")]
    pub fn get(&self) {}
}

fn main() {}
