struct Held<T>(T);

#[drb::service]
impl Held<u64> {
    pub fn get(&self) -> u64 {
        self.0
    }
}

impl Held<String> {
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn main() {
    let _ = Held(String::new()).len();
}
