//! Unix sockets: who is at the other end, what becomes of their files, and who may connect.

mod wires;

use drb::{Client, Error, Identity, Server, prelude::*};
use std::{
    io::ErrorKind,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, symlink},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use wires::{On, on_both_wires};

const SOON: Duration = Duration::from_secs(10);

struct Door;

#[drb::service]
impl Door {
    pub fn who(&self, #[drb(context)] call: &Context) -> String {
        format!("{}: {}", call.peer(), call.identity())
    }
}

on_both_wires!(the_system_says_whose_process_calls);

fn path_of(server: &Server) -> &str {
    server.uri().strip_prefix("drbunix:").unwrap()
}

async fn the_system_says_whose_process_calls(wire: On) {
    let server = drb::start_service("drbunix:", Door).await.unwrap();
    // Another name for the same file, so that it isn't found to be in this process.
    let link = format!("{}.link", path_of(&server));
    symlink(path_of(&server), &link).unwrap();
    let uri = wire.uri(&server).replace(path_of(&server), &link);
    let door: DoorProxy = Client::new().connect(&uri).await.unwrap();
    // This process has made the file.
    let file = std::fs::metadata(path_of(&server)).unwrap();
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

/// A path of its own for each test.
fn new_path() -> PathBuf {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("drb-unix-{}-{number}", std::process::id()))
}

fn uri(path: &Path) -> String {
    format!("drbunix:{}", path.display())
}

/// A socket that nobody listens at any more.
fn leave_behind(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
}

/// What the system has said against listening.
fn refusal(started: Result<Server, Error>) -> (ErrorKind, String) {
    match started {
        Err(Error::Listen { source, .. }) => (source.kind(), source.to_string()),
        other => panic!("{other:?}"),
    }
}

fn lock(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

#[tokio::test]
async fn the_file_is_as_it_was_asked_for() {
    let own = std::fs::metadata("/proc/self").unwrap();
    // Only root can give files away.
    let (uid, gid) = if own.uid() == 0 { (65_534, 65_533) } else { (own.uid(), own.gid()) };
    for mode in [0o600, 0o660, 0o666, 0o777] {
        let path = new_path();
        let server = Server::builder()
            .unix_file_mode(mode)
            .unix_file_owner(uid.to_string())
            .unix_file_group(gid.to_string())
            .start(uri(&path))
            .await
            .unwrap();
        let file = std::fs::metadata(&path).unwrap();
        assert!(file.file_type().is_socket());
        assert_eq!((file.mode() & 0o7777, file.uid(), file.gid()), (mode, uid, gid));
        assert!(server.drain(SOON).await);
        assert!(!path.exists() && !lock(&path).exists());
    }
}

#[tokio::test]
async fn a_user_that_nobody_knows_is_named_and_nothing_is_left() {
    let path = new_path();
    let started = Server::builder().unix_file_owner("nobody at all").start(uri(&path)).await;
    let expected = "this machine has no user `nobody at all`".to_owned();
    assert_eq!(refusal(started), (ErrorKind::NotFound, expected));
    assert!(!path.exists() && !lock(&path).exists());
}

/// Of those who find the socket of a dead process at the same time, one replaces it, and the others
/// respect that one's.
#[test]
fn of_many_that_start_at_once_one_does() {
    const CROWD: usize = 4;
    for round in 0..50 {
        let path = new_path();
        if round % 2 == 0 {
            leave_behind(&path);
        }
        let barrier = Arc::new(Barrier::new(CROWD));
        let threads: Vec<_> = (0..CROWD)
            .map(|_| {
                let (barrier, uri) = (Arc::clone(&barrier), uri(&path));
                std::thread::spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        barrier.wait();
                        let started = Server::builder().unix_file_mode(0o600).start(uri).await;
                        barrier.wait();
                        // All have started or given up; nobody panics before the last barrier.
                        let reached = started.as_ref().ok().map(|server| {
                            UnixStream::connect(path_of(server)).map_err(|error| error.kind())
                        });
                        barrier.wait();
                        if let Ok(server) = &started {
                            server.drain(SOON).await;
                        }
                        (started, reached)
                    })
                })
            })
            .collect();
        let mut serve = 0;
        for thread in threads {
            match thread.join().unwrap() {
                (Ok(_), reached) => {
                    serve += 1;
                    assert!(matches!(reached, Some(Ok(_))), "{reached:?}");
                }
                (refused, _) => assert_eq!(refusal(refused).0, ErrorKind::AddrInUse),
            }
        }
        assert_eq!(serve, 1, "round {round}");
        assert!(!path.exists() && !lock(&path).exists());
    }
}

#[tokio::test]
async fn what_others_have_put_in_its_place_stays() {
    let path = new_path();
    let server = drb::start_service(uri(&path), Door).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let _theirs = UnixListener::bind(&path).unwrap();
    assert!(server.drain(SOON).await);
    assert!(UnixStream::connect(&path).is_ok());
    // A file that is no socket is nobody's leftover.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "a note").unwrap();
    assert_eq!(refusal(drb::start_service(uri(&path), Door).await).0, ErrorKind::AddrInUse);
    assert_eq!(std::fs::read(&path).unwrap(), b"a note");
    std::fs::remove_file(&path).unwrap();
}

/// The socket of a server that has too much to do to accept is not taken for one that was left behind.
#[tokio::test]
async fn a_full_queue_is_a_sign_of_life() {
    let path = new_path();
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let client = || {
        let client = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
        let client = client.unwrap();
        client.set_nonblocking(true).unwrap();
        let connected = client.connect(&socket2::SockAddr::unix(&path).unwrap());
        (client, connected)
    };
    let mut queue = vec![client()];
    while queue.last().unwrap().1.is_ok() {
        queue.push(client());
    }
    assert_eq!(refusal(drb::start_service(uri(&path), Door).await).0, ErrorKind::AddrInUse);
    assert!(path.exists());
    std::fs::remove_file(&path).unwrap();
}

/// A link in place of the lock is neither followed nor replaced.
#[tokio::test(start_paused = true)]
async fn a_link_is_no_lock() {
    let (path, elsewhere) = (new_path(), new_path());
    symlink(&elsewhere, lock(&path)).unwrap();
    assert_eq!(refusal(drb::start_service(uri(&path), Door).await).0, ErrorKind::TimedOut);
    assert!(!elsewhere.exists() && !path.exists());
    std::fs::write(&elsewhere, "").unwrap();
    assert_eq!(refusal(drb::start_service(uri(&path), Door).await).0, ErrorKind::TimedOut);
    std::fs::remove_file(lock(&path)).unwrap();
    std::fs::remove_file(&elsewhere).unwrap();
    // One that a process has left behind is taken over.
    std::fs::write(lock(&path), "").unwrap();
    let server = drb::start_service(uri(&path), Door).await.unwrap();
    assert!(!lock(&path).exists());
    assert!(server.drain(SOON).await);
}
