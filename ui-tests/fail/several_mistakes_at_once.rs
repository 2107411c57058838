struct Store;

#[drb::service]
impl Store {
    pub fn one(self) {}
    pub fn two<T>(&self, value: T) {
        let _ = value;
    }
    #[drb(nmae = "x")]
    pub fn three(&self, _: u64) {}
    pub fn four(&self) {}
}

fn main() {
    // What is right can still be called: no error here.
    Store.four();
}
