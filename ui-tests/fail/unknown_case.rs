use drb::DrbDumped;

#[derive(DrbDumped)]
#[drb(rename_all = "Snake")]
struct Entry {
    key: String,
}

fn main() {}
