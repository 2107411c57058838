use drb::DrbDumped;

#[derive(DrbDumped)]
#[drb(class = "Foo", as_struct)]
struct Pair(u64, #[drb(name = "b")] u64, #[drb(default)] u64);

fn main() {}
