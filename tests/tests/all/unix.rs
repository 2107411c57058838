//! Unix sockets, with Ruby's `drb/unix` at the other end.

use crate::desk::Desk;
use drb::{Error, Object, Server, prelude::*};
use drb_tests::{SOON, ruby, socket_path};
use std::{io::ErrorKind, os::unix::fs::PermissionsExt, path::Path};

struct Door;

#[drb::service]
impl Door {
    pub fn who(&self, #[drb(context)] call: &Context) -> String {
        call.identity().to_string()
    }
}

fn uri(path: &Path) -> String {
    format!("drbunix:{}", path.display())
}

#[tokio::test]
async fn the_context_tells_whose_process_calls() {
    let server = drb::start_service("drbunix:", Door).await.unwrap();
    let program = r##"
        uid, gid = Process.euid, Process.egid
        puts DRbObject.new_with_uri(ARGV[0]).who == "user #{uid}, group #{gid}, process #{$$}"
        if uid == 0
          Process::Sys.setegid(4712)
          Process::Sys.seteuid(4711)
          puts DRbObject.new_with_uri(ARGV[1]).who
        else
          puts "user 4711, group 4712, process #{$$}"
        end
        puts $$
    "##;
    // A connection to another server, since Ruby keeps the one that it has.
    let open = Server::builder().front(Door).unix_file_mode(0o666).start("drbunix:").await.unwrap();
    let printed = ruby(program, &[server.uri(), open.uri()]).await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "true");
    assert_eq!(lines[1], format!("user 4711, group 4712, process {}", lines[2]));
}

#[tokio::test]
async fn the_mode_keeps_other_users_out() {
    let path = socket_path("mode");
    let server =
        Server::builder().front(Door).unix_file_mode(0o600).start(uri(&path)).await.unwrap();
    let program = r##"
        Process::Sys.seteuid(4711) if Process.euid == 0
        begin
          puts DRbObject.new_with_uri(ARGV[0]).who.class
        rescue DRb::DRbConnError => error
          puts error.message[/Errno::\w+/]
        end
    "##;
    let is_root = ruby("p Process.euid", &[]).await == "0\n";
    let expected = if is_root { "Errno::EACCES\n" } else { "String\n" };
    assert_eq!(ruby(program, &[server.uri()]).await, expected);
    let all = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&path, all).unwrap();
    assert_eq!(ruby(program, &[server.uri()]).await, "String\n");
}

/// Ruby's three keys of configuration, and a name behind the path.
#[tokio::test]
async fn a_ruby_server_is_respected_while_it_lives_and_replaced_when_it_is_dead() {
    let path = socket_path("ruby");
    let ruby = drb_tests::Server::ruby("unix_server.rb", &[&uri(&path)]).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o620);
    let server = Object::connect(ruby.uri()).await.unwrap();
    assert_eq!(server.call::<String>("greet", ("Ada",)).await.unwrap(), "Hello, Ada");
    match drb::start_service(uri(&path), Desk::default()).await {
        Err(Error::Listen { source, .. }) => assert_eq!(source.kind(), ErrorKind::AddrInUse),
        other => panic!("{other:?}"),
    }
    ruby.kill().await;
    assert!(path.exists(), "a process that is killed leaves its socket behind");
    let server = drb::start_service(uri(&path), Desk::default()).await.unwrap();
    let program = "p DRbObject.new_with_uri(ARGV[0]).add(1, 2)";
    assert_eq!(drb_tests::ruby(program, &[server.uri()]).await, "3\n");
    assert!(server.drain(SOON).await);
    assert!(!path.exists());
}
