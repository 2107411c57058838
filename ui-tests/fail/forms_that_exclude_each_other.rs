use drb::DrbDumped;

#[derive(DrbDumped)]
#[drb(as_struct, as_hash)]
struct Entry {
    key: String,
}

#[derive(DrbDumped)]
#[drb(as_hash, class = "Foo")]
struct Other {
    key: String,
}

fn main() {}
