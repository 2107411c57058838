struct Store;

#[drb::service]
impl Store {
    pub fn send(&self) {}

    #[drb(name = "instance_eval", alias = "method_missing")]
    pub fn eval(&self) {}
}

fn main() {}
