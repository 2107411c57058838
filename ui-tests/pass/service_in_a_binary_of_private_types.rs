#![deny(warnings)]

#[derive(drb::DrbDumped)]
struct Secret(u64);

struct Store;

#[drb::service]
impl Store {
    pub fn go(&self, secret: Secret) -> Secret {
        secret
    }
}

fn main() {
    let _ = Store.go(Secret(1)).0;
}
