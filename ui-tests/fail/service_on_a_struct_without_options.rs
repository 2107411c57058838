#[drb::service]
struct Store;

fn main() {}
