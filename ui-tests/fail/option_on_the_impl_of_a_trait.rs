#[drb::service]
trait Greeter {
    fn greet(&self, name: String);
}

struct English;

#[drb::service]
impl Greeter for English {
    #[drb(name = "hello")]
    fn greet(&self, #[drb(keyword)] name: String) {
        let _ = name;
    }
}

fn main() {}
