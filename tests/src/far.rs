//! A host that is reached over SSH alone: its loopback is another one than ours (a network namespace), and an
//! sshd lets us in.
//!
//! The sshd runs as the user of the test, with keys and a configuration of its own below a temporary folder.
//! It listens nowhere: the test accepts the connections and hands each one to a process of its own, as inetd
//! does. So no port has to be guessed, and each connection can be cut off by itself.
//!
//! Who logs in with a password is a user whom only the host knows: its list of users is another one than ours too (a
//! mount namespace), and nothing is left of either.

use crate::{SOON, Server, built, example, ruby_example, script_path};
use std::{
    fs,
    io::ErrorKind,
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

/// A user of the far host, and of no other one, who has a password.
pub const GUEST: &str = "drb-guest";

/// It.
pub const PASSWORD: &str = "open sesame";

/// The same as a line of /etc/shadow. Ruby says `"open sesame".crypt("$6$rounds=1000$drb")`.
const SHADOW: &str = "drb-guest:$6$rounds=1000$drb$II65wjDZhd.N2hsCgYVvYcfvKNzlgGz0wB0oWPuHmqHQFcTo71BPO\
    DpDT9ocMQlAScCcvwKkUptQVx9kFyXna/:19000:0:99999:7:::\n";

/// How PAM finds out who somebody is, where sshd_config says `UsePAM yes`: by the password, and nothing else.
const PAM: &str =
    "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n";

/// Its files go with it, and so do its processes.
pub struct FarHost {
    folder: PathBuf,
    address: SocketAddr,
    /// Holds the namespaces.
    namespace: Child,
    sessions: Arc<Mutex<Vec<Child>>>,
    accepting: JoinHandle<()>,
}

impl FarHost {
    /// With an sshd that allows everything that is needed.
    pub async fn new() -> Self {
        Self::with("").await
    }

    /// With further lines of sshd_config, which count before ours.
    pub async fn with(config: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("drb-ssh-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        for (name, passphrase) in
            [("host", ""), ("id", ""), ("locked", "open sesame"), ("other", "")]
        {
            keygen(&folder.join(name), passphrase).await;
        }
        let authorized =
            ["id", "locked"].map(|name| read(&folder.join(name).with_extension("pub")));
        fs::write(folder.join("authorized_keys"), authorized.concat()).expect("a file");
        let path = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "{config}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n\
             UseDNS no\nLogLevel ERROR\n",
            path("host"),
            path("authorized_keys"),
        );
        fs::write(folder.join("sshd_config"), config).expect("a file");
        let users = users(&folder);
        let namespace = namespace(&users).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let sessions = Arc::default();
        let inside = inside(&namespace);
        let accepting = accept(listener, folder.join("sshd_config"), inside, Arc::clone(&sessions));
        let host =
            Self { folder, address, namespace, sessions, accepting: tokio::spawn(accepting) };
        host.know_as(&read(&host.path("host").with_extension("pub")));
        host
    }

    /// Writes a key down as the host's.
    pub fn know_as(&self, key: &str) {
        let line = format!("[127.0.0.1]:{} {key}", self.address.port());
        fs::write(self.path("known_hosts"), line).expect("a file");
    }

    /// Where its sshd is reached, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The port of its sshd.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A file: `known_hosts`; the keys `id` and `locked`, which let us in, the latter with the passphrase
    /// `open sesame`; the key `other`, which doesn't; what the host shows, `host`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a script of `tests/ruby` there and waits until it is ready.
    pub async fn ruby(&self, script: &str, arguments: &[&str]) -> Server {
        let path = script_path(script);
        let mut command = self.command("ruby");
        command.arg(path).args(arguments);
        Server::start(command, script).await
    }

    /// Starts the program `peer` there in a role and waits until it is ready.
    pub async fn peer(&self, role: &str, arguments: &[&str]) -> Server {
        let mut command = self.command(&built("peer").display().to_string());
        command.arg(role).args(arguments);
        Server::start(command, role).await
    }

    /// Starts an example there and waits until it is ready.
    pub async fn example(&self, name: &str, uri: &str) -> Server {
        let mut command = self.command(&example(name).await.display().to_string());
        command.arg(uri);
        Server::start(command, name).await
    }

    /// Starts a Ruby script that stands beside the examples, and waits until it is ready.
    pub async fn ruby_example(&self, script: &str, uri: &str) -> Server {
        let path = ruby_example(script);
        let mut command = self.command("ruby");
        command.arg(path).arg(uri);
        Server::start(command, script).await
    }

    fn command(&self, program: &str) -> Command {
        let inside = inside(&self.namespace);
        let mut command = Command::new("nsenter");
        command.args(inside).arg(program);
        command
    }

    /// Cuts off whoever is connected over SSH: kills the processes that serve the connections.
    pub fn cut(&self) {
        for session in self.sessions.lock().expect("a list").drain(..) {
            kill_group(&session);
        }
    }

    /// How many have connected over SSH and are still there.
    pub fn connections(&self) -> usize {
        let mut sessions = self.sessions.lock().expect("a list");
        sessions.retain_mut(|session| matches!(session.try_wait(), Ok(None)));
        sessions.len()
    }
}

impl Drop for FarHost {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
        // Should it be left, so is only a folder below the one for such things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn accept(
    listener: TcpListener,
    config: PathBuf,
    inside: Vec<String>,
    sessions: Arc<Mutex<Vec<Child>>>,
) {
    let sshd = sshd();
    while let Ok((stream, _)) = listener.accept().await {
        let stream = stream.into_std().expect("a socket");
        stream.set_nonblocking(false).expect("a socket that blocks");
        let twin = stream.try_clone().expect("a socket");
        let mut command = Command::new("nsenter");
        command.args(&inside).arg(&sshd).args(["-i", "-e", "-f"]).arg(&config);
        command.stdin(std::os::fd::OwnedFd::from(stream)).stdout(std::os::fd::OwnedFd::from(twin));
        command.stderr(Stdio::null()).process_group(0).kill_on_drop(true);
        let session = command.spawn().expect("sshd can be started");
        sessions.lock().expect("a list").push(session);
    }
}

fn sshd() -> PathBuf {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
    let found = places.into_iter().map(PathBuf::from).find(|path| path.is_file());
    // Root's sshd wants it, and a system that doesn't run one has none.
    if let Err(error) = fs::create_dir("/run/sshd") {
        let known = [ErrorKind::AlreadyExists, ErrorKind::PermissionDenied];
        assert!(known.contains(&error.kind()), "/run/sshd: {error}");
    }
    found.expect("sshd is there; ./test installs it")
}

/// Makes [`GUEST`] a user wherever these commands are run. All others can only log in with a key.
fn users(folder: &Path) -> String {
    let (passwd, shadow) = (folder.join("passwd"), folder.join("shadow"));
    let pam = folder.join("pam");
    fs::write(&pam, PAM).expect("a file");
    let mut users = read(Path::new("/etc/passwd"));
    let names = users.lines().filter_map(|line| line.split(':').next());
    // Without an entry they would be locked out.
    let entries: String = names.map(|name| format!("{name}:*:19000:0:99999:7:::\n")).collect();
    users.push_str(&format!("{GUEST}:x:64123:64123::/:/bin/sh\n"));
    fs::write(&passwd, users).expect("a file");
    fs::write(&shadow, entries + SHADOW).expect("a file");
    let mount = |path: &Path, over| format!("mount --bind {} {over} && ", path.display());
    let users = mount(&passwd, "/etc/passwd") + &mount(&shadow, "/etc/shadow");
    // A system whose sshd knows nothing of PAM has no such file.
    let file = Path::new("/etc/pam.d/sshd");
    if file.exists() { users + &mount(&pam, &file.display().to_string()) } else { users }
}

/// A network with nothing but a loopback of its own, and files of which some may be others, which `before` sees to
/// (commands of a shell, with `&&` behind each). It ends when the input of its process does.
pub(crate) async fn namespace(before: &str) -> Child {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("--map-root-user");
    }
    let ready = "ip link set lo up && echo ready && read line";
    command.args(["--net", "--mount", "sh", "-c"]).arg(format!("{before}{ready}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut namespace = command.spawn().expect("unshare can be started");
    let mut lines = BufReader::new(namespace.stdout.take().expect("its output")).lines();
    let line = timeout(SOON, lines.next_line()).await.expect("a network in time");
    let line = line.expect("its output").unwrap_or_default();
    assert_eq!(
        line, "ready",
        "a network namespace can be made (unshare and ip, ./test installs them)"
    );
    namespace
}

/// What makes `nsenter` start a program there.
pub(crate) fn inside(namespace: &Child) -> Vec<String> {
    let id = namespace.id().expect("it runs");
    let mut inside = vec![format!("--target={id}"), "--net".to_owned(), "--mount".to_owned()];
    if !is_root() {
        inside.extend(["--user", "--preserve-credentials"].map(str::to_owned));
    }
    inside.push("--".to_owned());
    inside
}

/// The number of the user of this process.
pub fn own_user() -> u32 {
    fs::metadata("/proc/self").expect("a process").uid()
}

fn is_root() -> bool {
    own_user() == 0
}

fn kill_group(leader: &Child) {
    let Some(id) = leader.id() else { return };
    let mut kill = std::process::Command::new("kill");
    let killed = kill.args(["-KILL", "--", &format!("-{id}")]).stderr(Stdio::null()).status();
    killed.expect("kill can be started");
}

async fn keygen(path: &Path, passphrase: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-C", "drb", "-N", passphrase, "-f"]).arg(path);
    let made = command.status().await.expect("ssh-keygen can be started");
    assert!(made.success(), "{}", path.display());
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}
