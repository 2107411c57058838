//! Unix sockets: who is at the other end.

mod wires;

use drb::{Client, Identity, Server, prelude::*};
use std::os::unix::fs::MetadataExt;
use wires::{On, on_both_wires};

struct Door;

#[drb::service]
impl Door {
    pub fn who(&self, #[drb(context)] call: &Context) -> String {
        format!("{}: {}", call.peer(), call.identity())
    }
}

on_both_wires!(the_system_says_whose_process_calls);

fn path(server: &Server) -> &str {
    server.uri().strip_prefix("drbunix:").unwrap()
}

async fn the_system_says_whose_process_calls(wire: On) {
    let server = drb::start_service("drbunix:", Door).await.unwrap();
    // Another name for the same file, so that it isn't found to be in this process.
    let link = format!("{}.link", path(&server));
    std::os::unix::fs::symlink(path(&server), &link).unwrap();
    let uri = wire.uri(&server).replace(path(&server), &link);
    let door: DoorProxy = Client::new().connect(&uri).await.unwrap();
    // This process has made the file.
    let file = std::fs::metadata(path(&server)).unwrap();
    let (uid, gid, pid) = (file.uid(), file.gid(), Some(std::process::id()));
    let expected = Identity::Unix { uid, gid, pid };
    assert_eq!(door.who().await.unwrap(), format!("a unix socket: {expected}"));
    std::fs::remove_file(link).unwrap();
}

#[tokio::test]
async fn on_tcp_it_is_nobody_in_particular() {
    let server = drb::start_service("druby://127.0.0.1:0", Door).await.unwrap();
    for wire in [On::Ruby, On::Native] {
        let uri = wire.elsewhere(&server);
        let door: DoorProxy = Client::new().connect(&uri).await.unwrap();
        let who = door.who().await.unwrap();
        assert!(who.starts_with("127.0.0.1:") && who.ends_with(": anonymous"), "{who}");
    }
}
