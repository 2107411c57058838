#[drb::service]
trait Greeter {
    fn greet(&self);
}

struct Club;

#[drb::service]
impl Club {
    pub fn join(&self, member: GreeterProxy) {
        let _ = member;
    }
}

fn call(club: ClubProxy) {
    drop(club.join(Club));
}

fn main() {}
