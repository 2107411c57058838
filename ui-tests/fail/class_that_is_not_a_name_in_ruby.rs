struct Store;

#[drb::service(class = "shop::store")]
impl Store {
    pub fn go(&self) {}
}

fn main() {}
