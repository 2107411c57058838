struct Store;

#[drb::service]
impl Store {
    #[drb(alias = "fetch", alias = "take")]
    pub fn get(&self) {}

    pub fn fetch(&self) {}

    #[drb(alias = "take")]
    pub fn grab(&self) {}
}

fn main() {}
