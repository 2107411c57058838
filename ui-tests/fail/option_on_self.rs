struct Store;

#[drb::service]
impl Store {
    pub fn go(#[drb(context)] &self) {}
}

fn main() {}
