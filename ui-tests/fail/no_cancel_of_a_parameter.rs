struct Store;

#[drb::service]
impl Store {
    pub async fn go(&self, #[drb(no_cancel)] count: u32) {
        let _ = count;
    }

    #[drb(skip, no_cancel)]
    pub async fn skipped(&self) {}
}

fn main() {}
