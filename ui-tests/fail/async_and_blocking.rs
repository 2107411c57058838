struct Store;

#[drb::service]
impl Store {
    #[drb(blocking)]
    pub async fn go(&self) {}
}

fn main() {}
