//! A machine that nobody can connect to: a network of its own (a namespace), from which one way leads out, to one
//! server.

use crate::{
    SOON, built, example,
    far::{inside, namespace},
    ruby_command, ruby_example, run, script_path, socket_path,
};
use std::{
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, copy_bidirectional},
    net::{TcpStream, UnixListener},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

/// Its processes go with it.
pub struct Apart {
    namespace: Child,
    /// Takes connections in there, at the port that the server has out here.
    _gate: Child,
    /// Makes them out here.
    way_out: JoinHandle<()>,
    path: PathBuf,
}

/// Hands whatever connects to a port of loopback on to a Unix socket, which all networks of a machine share.
const GATE: &str = r"
    require 'socket'
    gate = TCPServer.new('127.0.0.1', Integer(ARGV[0]))
    $stdout.sync = true
    puts 'ready'
    loop do
      Thread.new(gate.accept, UNIXSocket.new(ARGV[1])) do |here, there|
        pass = lambda do |from, to|
          IO.copy_stream(from, to)
          to.close_write
        rescue SystemCallError, IOError
          nil
        end
        [Thread.new { pass.(here, there) }, Thread.new { pass.(there, here) }].each(&:join)
        [here, there].each(&:close)
      end
    end";

impl Apart {
    /// From there `uri`, the URI of a server on this machine's loopback, leads to that.
    pub async fn from(uri: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (_, port) = uri.rsplit_once(':').expect("a port");
        let path = socket_path(&format!("apart-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let listener = UnixListener::bind(&path).expect("a socket");
        let server = format!("127.0.0.1:{port}");
        let way_out = tokio::spawn(async move {
            while let Ok((mut inner, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    if let Ok(mut outer) = TcpStream::connect(server).await {
                        let _ = copy_bidirectional(&mut inner, &mut outer).await;
                    }
                });
            }
        });
        let namespace = namespace("").await;
        let mut gate = Command::new("nsenter");
        gate.args(inside(&namespace)).args(["ruby", "-e", GATE, port]).arg(&path);
        gate.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut gate = gate.spawn().expect("the gate can be started");
        let mut lines = BufReader::new(gate.stdout.take().expect("its output")).lines();
        let line = timeout(SOON, lines.next_line()).await.expect("a gate in time");
        assert_eq!(line.expect("its output").as_deref(), Some("ready"));
        Self { namespace, _gate: gate, way_out, path }
    }

    /// Runs an example there to its end and gives what it printed.
    pub async fn example(&self, name: &str, arguments: &[&str]) -> String {
        let program = Command::new(example(name).await);
        self.run(program, name, arguments).await
    }

    /// The same of a Ruby script that stands beside the examples.
    pub async fn ruby_example(&self, script: &str, arguments: &[&str]) -> String {
        let mut program = ruby_command();
        program.arg(ruby_example(script));
        self.run(program, script, arguments).await
    }

    /// The same of a script of `tests/ruby`.
    pub async fn ruby_script(&self, script: &str, arguments: &[&str]) -> String {
        let mut program = ruby_command();
        program.arg(script_path(script));
        self.run(program, script, arguments).await
    }

    /// The same of a program.
    pub async fn ruby(&self, text: &str, arguments: &[&str]) -> String {
        let mut program = ruby_command();
        program.args(["-rdrb", "-e", text, "--"]);
        self.run(program, "a Ruby program", arguments).await
    }

    async fn run(&self, program: Command, name: &str, arguments: &[&str]) -> String {
        let program = program.as_std();
        let mut command = Command::new("nsenter");
        command.args(inside(&self.namespace)).arg(program.get_program()).args(program.get_args());
        command.args(arguments);
        run(command, name, SOON).await
    }
}

/// Runs one of the programs of these tests, `name`, to its end on a network that leads nowhere, and gives what it printed.
pub async fn alone(name: &str) -> String {
    let namespace = namespace("").await;
    let mut command = Command::new("nsenter");
    command.args(inside(&namespace)).arg(built(name));
    run(command, name, SOON).await
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.way_out.abort();
        // Should it be left, so is only a socket among temporary files.
        let _ = std::fs::remove_file(&self.path);
    }
}
