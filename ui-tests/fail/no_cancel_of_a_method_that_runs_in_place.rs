struct Store;

#[drb::service]
impl Store {
    #[drb(no_cancel)]
    pub fn go(&self) {}
}

fn main() {}
