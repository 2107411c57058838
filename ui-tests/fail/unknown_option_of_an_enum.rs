use drb::DrbDumped;

#[derive(DrbDumped)]
#[drb(class = "Shape")]
enum Shape {
    #[drb(class = "Circle")]
    Circle,
}

fn main() {}
