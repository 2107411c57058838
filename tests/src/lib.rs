//! What the integration tests share: starting Ruby programs and the examples, and ending them.
//!
//! Every wait has a bound, and every process is ended by its id when its handle is dropped.

pub mod apart;
pub mod certificates;
pub mod desk;
pub mod far;
pub mod hall;
pub mod mirror;
mod program;
pub mod relay;
pub mod talk;

pub use program::{Program, ruby_example};

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long a program may take to be ready, or to do something that takes no time.
pub const SOON: Duration = Duration::from_secs(60);

/// A server in a process of its own: an example, or a Ruby script.
pub struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    uri: String,
}

impl Server {
    /// Starts an example on a free port of loopback and waits until it is ready.
    pub async fn example(name: &str) -> Self {
        Self::example_at(name, "druby://127.0.0.1:0", &[]).await
    }

    /// Starts an example with the URI to listen on and further arguments, and waits until it is
    /// ready.
    pub async fn example_at(name: &str, uri: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(example(name).await);
        command.arg(uri).args(arguments);
        Self::start(command, name).await
    }

    /// Starts an example that may have so many files open, on a free port of loopback, and waits until it
    /// is ready.
    pub async fn example_with_files(name: &str, files: usize) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n $1; exec \"$0\" druby://127.0.0.1:0"]);
        command.arg(example(name).await).arg(files.to_string());
        Self::start(command, name).await
    }

    /// Starts a Ruby script that stands beside the examples, on a free port of loopback, and waits
    /// until it is ready.
    pub async fn ruby_example(script: &str) -> Self {
        Self::ruby_example_at(script, "druby://127.0.0.1:0", &[]).await
    }

    /// The same with the URI to listen on and further arguments.
    pub async fn ruby_example_at(script: &str, uri: &str, arguments: &[&str]) -> Self {
        let mut command = ruby_command();
        command.arg(ruby_example(script)).arg(uri).args(arguments);
        Self::start(command, script).await
    }

    /// Starts a script of `tests/ruby` and waits until it is ready.
    pub async fn ruby(script: &str, arguments: &[&str]) -> Self {
        let mut command = ruby_command();
        command.arg(script_path(script)).args(arguments);
        Self::start(command, script).await
    }

    /// Starts another program of this package and waits until it is ready.
    pub async fn program(name: &str) -> Self {
        Self::start(Command::new(built(name)), name).await
    }

    /// Starts the program `peer` in a role and waits until it is ready.
    pub async fn peer(role: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(built("peer"));
        command.arg(role).args(arguments);
        Self::start(command, role).await
    }

    async fn start(mut command: Command, name: &str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {name}: {error}"));
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let line = timeout(SOON, lines.next_line())
            .await
            .unwrap_or_else(|_| panic!("{name} was not ready in time"))
            .expect("stdout can be read")
            .unwrap_or_else(|| panic!("{name} ended before it was ready"));
        let uri = line
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("{name} printed `{line}` instead of `ready <uri>`"))
            .to_owned();
        Self { child, lines, uri }
    }

    /// Where it listens.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The next line that it prints.
    pub async fn line(&mut self) -> Option<String> {
        timeout(SOON, self.lines.next_line()).await.expect("a line in time").expect("a line")
    }

    /// Ends it, and waits until it has ended.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process can be ended");
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the process hasn't been waited for")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be asked").is_none()
    }
}

/// Runs a Ruby program to its end and gives what it printed. Fails the test if the program fails,
/// or takes longer than [`SOON`].
pub async fn ruby(program: &str, arguments: &[&str]) -> String {
    let mut command = ruby_command();
    command.args(["-rdrb", "-rdrb/unix", "-e", program, "--"]).args(arguments);
    run(command, "a Ruby program", SOON).await
}

/// Runs a script of `tests/ruby` to its end and gives what it printed.
pub async fn ruby_script(script: &str, arguments: &[&str], limit: Duration) -> String {
    let mut command = ruby_command();
    command.arg(script_path(script)).args(arguments);
    run(command, script, limit).await
}

/// Runs an example to its end and gives what it printed.
pub async fn run_example(name: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(example(name).await);
    command.args(arguments);
    run(command, name, SOON).await
}

async fn run(mut command: Command, name: &str, limit: Duration) -> String {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(limit, command.output())
        .await
        .unwrap_or_else(|_| panic!("{name} took longer than {limit:?}"))
        .unwrap_or_else(|error| panic!("start {name}: {error}"));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{out}{err}", output.status);
    out
}

/// Waits for what a peer writes until it closes the connection. `None` if it doesn't within
/// `limit`; a reset is an end too.
pub async fn read_to_close(
    stream: &mut (impl AsyncReadExt + Unpin),
    limit: Duration,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // A reset loses nothing that has been read before it.
    timeout(limit, stream.read_to_end(&mut bytes)).await.ok().map(|_| bytes)
}

/// A path for a Unix socket that no other test uses.
pub fn socket_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("drb-{}-{name}", std::process::id()))
}

/// Ruby, with a drbfire: the one in the folder that `DRBFIRE` names, else the one of these tests.
fn ruby_command() -> Command {
    let mut command = Command::new("ruby");
    let fire = std::env::var_os("DRBFIRE").map_or_else(|| script_path("fire"), PathBuf::from);
    command.arg("-I").arg(fire);
    command
}

fn script_path(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ruby").join(script)
}

/// The path of an example, which is built if it is older than its source.
///
/// All are built by one command with the features of `cargo test --workspace --all-features`, so
/// that there it finds them ready.
async fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    tokio::task::spawn_blocking(|| {
        BUILT.get_or_init(|| {
            let status = std::process::Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--workspace", "--all-features", "--examples", "--bins"])
                .args(if cfg!(debug_assertions) { None } else { Some("--release") })
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .stdin(Stdio::null())
                .status()
                .expect("cargo can be started");
            assert!(status.success(), "the examples can be built");
        });
    })
    .await
    .expect("the examples can be built");
    built(name)
}

/// The path of a program or an example that cargo has built along with this test.
fn built(name: &str) -> PathBuf {
    // This test is <target>/<profile>/deps/<test>.
    let this = std::env::current_exe().expect("the path of the test");
    let profile = this.ancestors().nth(2).expect("the folder of the profile");
    [profile.join("examples").join(name), profile.join(name)]
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no example named {name}"))
}
