struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(context)] context: &str) {
        let _ = context;
    }
}

fn main() {}
