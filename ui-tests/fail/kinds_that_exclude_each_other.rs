struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(context, rest)] a: Vec<u64>, #[drb(keywords, default)] b: Vec<(String, u64)>) {
        let _ = (a, b);
    }
}

fn main() {}
