use drb::DrbDumped;

#[derive(DrbDumped)]
enum Shape {
    Circle,
    #[drb(name = "circle")]
    Round,
}

fn main() {}
