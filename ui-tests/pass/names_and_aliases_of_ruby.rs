struct Store;

#[drb::service]
impl Store {
    #[drb(name = "[]", alias = "fetch")]
    pub fn get(&self, key: &str) -> u64 {
        key.len() as u64
    }

    #[drb(name = "[]=")]
    pub fn set(&self, key: &str, value: u64) {
        let _ = (key, value);
    }

    #[drb(name = "empty?", alias = "<=>", alias = "größe")]
    pub fn is_empty(&self) -> bool {
        true
    }
}

fn main() {}
