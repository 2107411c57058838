struct Store;

#[drb::service]
impl Store {
    #[cfg(any())]
    pub fn go(&self) {}

    #[cfg(all())]
    pub fn go(&self) {}
}

fn main() {}
