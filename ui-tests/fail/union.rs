use drb::DrbDumped;

#[derive(DrbDumped)]
union Bits {
    a: u32,
    b: f32,
}

fn main() {}
