struct Room;

#[drb::service(also)]
impl Room {
    pub fn go(&self) {}
}

fn main() {}
