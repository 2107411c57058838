struct NotWire;
struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, all: Vec<NotWire>, by: u64) {
        let _ = (all, by);
    }
}

fn main() {}
