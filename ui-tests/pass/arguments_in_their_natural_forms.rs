struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, key: &str, by: u64, all: &[String], hint: Option<String>) {
        let _ = (key, by, all, hint);
    }
}

#[allow(unused_must_use)]
fn call(store: StoreProxy) {
    store.go("key", 1, ["a"], None);
    store.go(String::new(), &1, vec![String::new()], "hint");
    store.go(&String::new(), 1_u64, &["a"], Some(String::new()));
}

fn main() {
    let _ = call;
}
