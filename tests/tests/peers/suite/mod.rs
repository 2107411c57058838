//! What the test suite of Ruby's drb proves of a server, proved of a client: the same cases with the
//! sides exchanged. `tests/ruby/suite.rb` is called, and calls back.

mod calls;
mod large;
mod typed;
mod yields;

use drb::{Client, Object, Proxy};
use drb_tests::{SOON, Server, socket_path};
use std::{
    env,
    process::Stdio,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{process::Command, runtime::Runtime, time::timeout};

/// Says which wire this run of the program uses, if not TCP.
const UNIX: &str = "DRB_TESTS_OVER_UNIX_SOCKETS";

fn over_unix_sockets() -> bool {
    env::var_os(UNIX).is_some()
}

/// A new place to listen, on the wire of this run.
fn place() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    if over_unix_sockets() {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        format!("drbunix:{}", socket_path(&format!("suite-{number}")).display())
    } else {
        "druby://localhost:0".to_owned()
    }
}

/// Nothing of this process but what a test passes by reference.
struct Home;

#[drb::service]
impl Home {}

/// The server through which others call back what this process passes by reference: one for the
/// whole program, in a runtime that outlives each test's.
fn home() -> &'static drb::Server {
    static HOME: OnceLock<(Runtime, drb::Server)> = OnceLock::new();
    let (_, server) = HOME.get_or_init(|| {
        // Not in the test's own runtime, which would have to wait for itself.
        let start = || {
            let runtime = Runtime::new().unwrap();
            let server = runtime.block_on(drb::start_service(&place(), Home)).unwrap();
            (runtime, server)
        };
        std::thread::scope(|scope| scope.spawn(start).join().unwrap())
    });
    server
}

/// A Ruby process that is called.
struct There {
    server: Server,
    client: Client,
}

impl There {
    /// Starts one with that object as its front.
    async fn start(front: &str) -> Self {
        home();
        let server = Server::ruby("suite.rb", &[&place(), front]).await;
        Self { server, client: Client::new() }
    }

    /// The front, through a proxy.
    async fn front<P: Proxy>(&self) -> P {
        self.client.connect(self.server.uri()).await.unwrap()
    }

    /// The front, called without a contract.
    async fn object(&self) -> Object {
        self.front().await
    }

    /// The object with a name.
    async fn named(&self, name: &str) -> Object {
        self.client.connect(&format!("{}?{name}", self.server.uri())).await.unwrap()
    }
}

/// All of the above once more, in a process whose servers, and those that it starts, listen on Unix
/// sockets.
#[tokio::test]
async fn all_of_it_over_unix_sockets() {
    if over_unix_sockets() {
        return;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["suite::", "--test-threads", "2"]).env(UNIX, "1");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(4 * SOON, command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
