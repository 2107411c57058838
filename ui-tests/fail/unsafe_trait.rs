#[drb::service]
unsafe trait Greeter {
    fn greet(&self);
}

fn main() {}
