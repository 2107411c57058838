#[drb::service]
trait Listener {
    fn heard(&self, text: String);
}

struct Room<T>(T);

#[drb::service(also(Listener))]
impl<T: Send + Sync + 'static> Room<T> {
    pub fn go(&self) {}
}

impl<T: Send + Sync + 'static> Listener for Room<T> {
    fn heard(&self, _: String) {}
}

fn main() {}
