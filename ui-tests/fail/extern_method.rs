struct Store;

#[drb::service]
impl Store {
    pub extern "C" fn go(&self) {}
}

fn main() {}
