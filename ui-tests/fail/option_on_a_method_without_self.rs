struct Store;

#[drb::service]
impl Store {
    #[drb(alias = "make")]
    pub fn new() -> Self {
        Self
    }
}

fn main() {}
