trait Greeter {
    fn greet(&self);
}

struct English;

#[drb::service]
impl Greeter for English {
    fn greet(&self) {}
}

fn main() {}
