use drb::{DrbDumped, DrbError};

#[derive(DrbDumped)]
enum Never {}

#[derive(DrbError)]
enum NoError {}

fn main() {}
