#[drb::service]
impl &'static str {
    pub fn go(&self) {}
}

fn main() {}
