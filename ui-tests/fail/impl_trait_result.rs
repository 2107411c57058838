struct Store;

#[drb::service]
impl Store {
    pub fn go(&self) -> impl Iterator<Item = u64> {
        std::iter::empty()
    }
}

fn main() {}
