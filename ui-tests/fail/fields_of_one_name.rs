use drb::DrbDumped;

#[derive(DrbDumped)]
struct Entry {
    key: String,
    #[drb(name = "key")]
    other: String,
}

fn main() {}
