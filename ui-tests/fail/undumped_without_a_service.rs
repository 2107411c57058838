use drb::DrbUndumped;

#[derive(DrbUndumped)]
struct Cursor;

fn main() {}
