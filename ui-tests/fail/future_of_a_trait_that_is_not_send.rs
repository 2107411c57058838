#[drb::service]
trait Greeter {
    async fn greet(&self) -> u64;
}

struct English;

#[drb::service]
impl Greeter for English {
    async fn greet(&self) -> u64 {
        let shared = std::rc::Rc::new(1);
        std::future::ready(()).await;
        *shared
    }
}

fn main() {}
