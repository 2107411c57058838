//! A process that can be stopped and killed, and what the system knows of it.

use drb_tests::{SOON, Server};
use std::{fs, time::Duration};
use tokio::{process::Command, time::Instant};

pub(crate) struct Process {
    server: Option<Server>,
    uri: String,
    id: u32,
    port: Option<Port>,
}

/// Where a process listens, if it does so over TCP.
#[derive(Clone, Copy)]
pub(crate) struct Port(u16);

impl Process {
    pub(crate) fn new(server: Server) -> Self {
        let uri = server.uri().to_owned();
        let port = uri.rsplit(':').next().and_then(|port| port.parse().ok());
        Self { id: server.id(), uri, port: port.map(Port), server: Some(server) }
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    pub(crate) fn port(&self) -> Port {
        self.port.expect("a process that listens over TCP")
    }

    /// Kills it, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.server.take().expect("it is killed once").kill().await;
    }

    /// `STOP` or `CONT`.
    pub(crate) async fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.id.to_string()]).status();
        assert!(status.await.unwrap().success());
        if name == "STOP" {
            let stat = format!("/proc/{}/stat", self.id);
            let stopped = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
            eventually(stopped, || "the process stops".to_owned()).await;
        }
    }

    /// What its file descriptors lead to.
    pub(crate) fn open_files(&self) -> Vec<String> {
        let files = fs::read_dir(format!("/proc/{}/fd", self.id)).unwrap();
        let target = |file: fs::DirEntry| fs::read_link(file.path()).ok();
        files
            .flatten()
            .filter_map(target)
            .map(|target| target.to_string_lossy().into_owned())
            .collect()
    }
}

impl Port {
    /// Waits until something has arrived here that nobody has read.
    pub(crate) async fn has_unread(self) {
        eventually(|| self.unread().0 > 0, || "something unread".to_owned()).await;
    }

    /// The same at the other end of a connection to here.
    pub(crate) async fn has_unread_elsewhere(self) {
        eventually(|| self.unread().1 > 0, || "something unread elsewhere".to_owned()).await;
    }

    /// Waits until nothing more can be sent here before something is read.
    pub(crate) async fn is_stuffed(self) {
        stuffed(|| self.unread().0).await;
    }

    /// The same at the other end of a connection to here.
    pub(crate) async fn is_stuffed_elsewhere(self) {
        stuffed(|| self.unread().1).await;
    }

    /// How many bytes wait in connections to here: at this end, and at the other.
    fn unread(self) -> (u64, u64) {
        let (mut here, mut there) = (0, 0);
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        for line in table.lines().skip(1) {
            // sl local_address rem_address st tx_queue:rx_queue …
            let columns: Vec<&str> = line.split_whitespace().collect();
            let port = |column: &str| {
                column.split_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok())
            };
            let &[_, local, remote, "01", queues, ..] = &columns[..] else { continue };
            let received = queues.split_once(':').unwrap().1;
            let received = u64::from_str_radix(received, 16).unwrap();
            if port(local) == Some(self.0) {
                here += received;
            }
            if port(remote) == Some(self.0) {
                there += received;
            }
        }
        (here, there)
    }
}

async fn stuffed(unread: impl Fn() -> u64) {
    let deadline = Instant::now() + SOON;
    let (mut before, mut same) = (0, 0);
    while same < 10 {
        assert!(Instant::now() < deadline, "{before} bytes, and more are coming");
        tokio::time::sleep(Duration::from_millis(10)).await;
        let now = unread();
        same = if now == before && now > 0 { same + 1 } else { 0 };
        before = now;
    }
}

pub(crate) async fn eventually(condition: impl Fn() -> bool, what: impl Fn() -> String) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "{}", what());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
