struct Store;

#[drb::service]
#[cfg(any())]
impl Store {
    pub fn go(&self, there_is: NoSuchType) {}
}

#[cfg(any())]
#[drb::service]
impl Store {
    pub fn go(&self, there_is: NoSuchType) {}
}

fn main() {
    let _ = Store;
}
