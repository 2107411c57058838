use drb::DrbDumped;

#[derive(DrbDumped)]
#[drb(rename_all = "kebab-case")]
struct Entry {
    last_key: String,
    #[drb(name = "a b")]
    other: String,
}

fn main() {}
