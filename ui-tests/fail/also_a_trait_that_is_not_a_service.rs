trait Listener {
    fn heard(&self, text: String);
}

struct Room;

#[drb::service(also(Listener))]
impl Room {
    pub fn go(&self) {}
}

impl Listener for Room {
    fn heard(&self, _: String) {}
}

fn main() {}
