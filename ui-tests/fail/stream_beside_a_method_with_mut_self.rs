use futures_util::{Stream, stream};

struct Store(Vec<u64>);

#[drb::service]
impl Store {
    pub fn numbers(&self) -> impl Stream<Item = u64> {
        stream::iter(self.0.clone())
    }

    pub fn push(&mut self, number: u64) {
        self.0.push(number);
    }
}

fn main() {}
