#[drb::service]
trait Greeter<'a> {
    fn greet(&self, name: &'a str);
}

fn main() {}
