use drb::{DrbDumped, DrbUndumped};

#[derive(DrbDumped, DrbUndumped)]
struct Cursor;

#[drb::service]
impl Cursor {
    pub fn next(&self) {}
}

fn main() {}
