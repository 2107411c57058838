//! Programs with which a test talks line by line.

use crate::{SOON, built, example, ruby_command, script_path};
use std::{path::Path, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// A program in a process of its own that reads lines and prints lines.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts an example.
    pub async fn example(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(example(name).await);
        command.args(arguments);
        Self::start(command)
    }

    /// Starts the Ruby script that stands beside the examples.
    pub fn ruby_example(script: &str, arguments: &[&str]) -> Self {
        let mut command = ruby_command();
        command.arg(ruby_example(script)).args(arguments);
        Self::start(command)
    }

    /// Starts a script of `tests/ruby`.
    pub fn ruby(script: &str, arguments: &[&str]) -> Self {
        let mut command = ruby_command();
        command.arg(script_path(script)).args(arguments);
        Self::start(command)
    }

    /// Starts another program of this package.
    pub fn own(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(built(name));
        command.args(arguments);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program can be started");
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        Self { child, input, lines }
    }

    /// Gives it a line to read.
    pub async fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input has not ended");
        input.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
    }

    /// The next line that it prints; `None` at the end.
    pub async fn line(&mut self) -> Option<String> {
        let line = timeout(SOON, self.lines.next_line()).await;
        line.expect("a line in time").expect("its output can be read")
    }

    /// Ends its input, and waits until it has ended by itself. Gives what else it has printed.
    pub async fn end(mut self) -> Vec<String> {
        self.input = None;
        let mut rest = Vec::new();
        while let Some(line) = self.line().await {
            rest.push(line);
        }
        let status = timeout(SOON, self.child.wait()).await.expect("an end in time");
        assert!(status.as_ref().is_ok_and(|status| status.success()), "{status:?}\n{rest:?}");
        rest
    }

    /// Ends it at once (Unix: `SIGKILL`).
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process can be ended");
    }
}

/// The path of a Ruby script that stands beside the examples.
pub fn ruby_example(script: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/examples").join(script)
}
