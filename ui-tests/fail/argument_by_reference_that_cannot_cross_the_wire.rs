struct NotWire;
struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, w: &NotWire) {
        let _ = w;
    }
}

fn main() {}
