struct Store;

#[drb::service]
impl Store {
    pub fn go(self: std::sync::Arc<Self>) {}
}

fn main() {}
