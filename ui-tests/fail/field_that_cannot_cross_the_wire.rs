use drb::DrbDumped;

struct NotWire;

#[derive(DrbDumped)]
struct Entry {
    key: String,
    all: Vec<NotWire>,
}

fn main() {}
