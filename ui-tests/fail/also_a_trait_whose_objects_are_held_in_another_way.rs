#[drb::service]
trait Listener {
    fn heard(&mut self, text: String);
}

struct Room;

#[drb::service(also(Listener))]
impl Room {
    pub fn go(&self) {}
}

impl Listener for Room {
    fn heard(&mut self, _: String) {}
}

fn main() {}
