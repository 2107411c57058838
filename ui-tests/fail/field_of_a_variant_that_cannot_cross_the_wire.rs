use drb::DrbDumped;

struct NotWire;

#[derive(DrbDumped)]
enum Shape {
    Circle(NotWire),
    Rect { w: f64, h: NotWire },
}

fn main() {}
