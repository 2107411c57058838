struct Store;

#[drb::service(klass = "Foo")]
impl Store {
    pub fn go(&self) {}
}

fn main() {}
