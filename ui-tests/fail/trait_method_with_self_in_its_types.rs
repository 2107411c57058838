#[drb::service]
trait Node {
    type Item;

    fn next(&self) -> Self;
    fn put(&self, item: Self::Item);
}

fn main() {}
