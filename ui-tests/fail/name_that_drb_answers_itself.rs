struct Store;

#[drb::service]
impl Store {
    #[drb(name = "respond_to?")]
    pub fn responds(&self) {}
}

fn main() {}
