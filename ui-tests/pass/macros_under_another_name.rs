use drb::{DrbDumped as Copied, service as remote};

struct Store;

#[derive(Copied)]
struct Entry {
    key: String,
}

#[remote]
impl Store {
    pub fn go(&self, entry: Entry) -> String {
        entry.key
    }
}

fn main() {}
