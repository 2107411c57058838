use drb as remote;

mod inner {
    pub use drb as of_another_crate;
}

struct Store;

#[remote::service(crate = crate::inner::of_another_crate)]
impl Store {
    pub fn go(&self) {}
}

fn main() {}
