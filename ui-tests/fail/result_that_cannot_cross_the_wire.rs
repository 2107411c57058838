struct NotWire;
struct Store;

#[drb::service]
impl Store {
    pub fn go(&self) -> NotWire {
        NotWire
    }
}

fn main() {}
