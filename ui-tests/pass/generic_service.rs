struct Held<T>(T);

#[drb::service]
impl<T: Clone + Send + Sync + 'static> Held<T> {
    pub fn get(&self) -> T {
        self.0.clone()
    }
}

fn is_service(_: impl drb::Service) {}

fn main() {
    is_service(Held(1_u64));
    is_service(Held(String::new()));
}
