struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, value: Option<&str>, others: Vec<&[u8]>) {
        let _ = (value, others);
    }
}

fn main() {}
