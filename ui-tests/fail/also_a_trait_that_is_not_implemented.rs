#[drb::service]
trait Listener {
    fn heard(&self, text: String);
}

struct Room;

#[drb::service(also(Listener))]
impl Room {
    pub fn go(&self) {}
}

fn main() {}
