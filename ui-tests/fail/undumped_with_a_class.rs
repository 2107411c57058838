use drb::DrbUndumped;

#[derive(DrbUndumped)]
#[drb(class = "Cursor")]
struct Cursor;

fn main() {}
