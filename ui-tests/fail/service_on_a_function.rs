#[drb::service]
fn go() {}

fn main() {}
