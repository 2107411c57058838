use drb::DrbDumped;

#[derive(DrbDumped)]
struct Entry<'a> {
    key: &'a str,
}

fn main() {}
