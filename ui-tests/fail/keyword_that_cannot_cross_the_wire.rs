struct NotWire;
struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, #[drb(keyword)] w: NotWire) {
        let _ = w;
    }
}

fn main() {}
