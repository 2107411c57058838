struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(context)] a: &drb::Context, #[drb(context)] b: drb::Context) {
        let _ = (a, b);
    }
}

fn main() {}
