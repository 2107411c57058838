//! Three processes, each of them Ruby or Rust: the object of one is passed through another to the
//! third, which calls it, and gives it back.

use drb::Client;
use drb_tests::{
    Server,
    relay::{RelayProxy, ThingProxy},
    socket_path,
};

/// One process of each kind for each place in the conversation.
struct Processes {
    client: Client,
    /// In the order ruby-a, rust-a, ruby-b, …, or those of Rust alone.
    servers: Vec<(&'static str, Server)>,
}

/// The three processes of one arrangement.
struct Arrangement {
    says: String,
    a: RelayProxy,
    b: RelayProxy,
    c: RelayProxy,
    /// What C calls itself.
    c_name: String,
}

impl Processes {
    async fn start(kinds: &[&'static str], uri: impl Fn(&str) -> String) -> Self {
        let mut starting = Vec::new();
        for place in ["a", "b", "c"] {
            for &kind in kinds {
                let name = format!("{kind}-{place}");
                let uri = uri(&name);
                let start = async move {
                    let arguments = [uri.as_str(), &name];
                    match kind {
                        "ruby" => Server::ruby("relay.rb", &arguments).await,
                        _ => Server::peer("relay", &arguments).await,
                    }
                };
                starting.push((kind, tokio::spawn(start)));
            }
        }
        let mut servers = Vec::new();
        for (kind, server) in starting {
            servers.push((kind, server.await.unwrap()));
        }
        Self { client: Client::new(), servers }
    }

    async fn arrangements(&self) -> Vec<Arrangement> {
        let mut all = Vec::new();
        let kinds = self.servers.len() / 3;
        for number in 0..kinds.pow(3) {
            let picked = [0, 1, 2].map(|place| {
                let kind = number / kinds.pow(place) % kinds;
                &self.servers[kinds * place as usize + kind]
            });
            let mut proxies = Vec::new();
            for (_, server) in picked {
                proxies.push(self.client.connect::<RelayProxy>(server.uri()).await.unwrap());
            }
            let [a, b, c] = proxies.try_into().unwrap();
            let [says_a, says_b, says_c] = picked.map(|(kind, _)| kind);
            let says = format!("A is {says_a}, B is {says_b}, C is {says_c}");
            all.push(Arrangement { says, a, b, c, c_name: format!("{says_c}-c") });
        }
        all
    }
}

const BOTH: &[&str] = &["ruby", "rust"];

/// Each test with TCP, and with Unix sockets.
macro_rules! on_each_wire {
    ($($name:ident)+) => {
        mod tcp {
            $(#[tokio::test]
            async fn $name() {
                let uri = |_: &str| "druby://localhost:0".to_owned();
                let processes = super::Processes::start(super::BOTH, uri).await;
                super::$name(processes).await;
            })+
        }

        mod unix {
            $(#[tokio::test]
            async fn $name() {
                let uri = |name: &str| {
                    let path = super::socket_path(&format!("{}-{name}", stringify!($name)));
                    format!("drbunix:{}", path.display())
                };
                let processes = super::Processes::start(super::BOTH, uri).await;
                super::$name(processes).await;
            })+
        }
    };
}

on_each_wire! {
    an_object_is_passed_through_another_process
    a_block_is_passed_through_another_process
    the_process_in_the_middle_may_go
}

/// The same among processes of Rust over the native wire.
mod native {
    use super::*;

    async fn start() -> Processes {
        Processes::start(&["rust"], |_| "drb://localhost:0".to_owned()).await
    }

    #[tokio::test]
    async fn a_block_is_passed_through_another_process() {
        super::a_block_is_passed_through_another_process(start().await).await;
    }

    /// It is called through the process in the middle. So only what comes back that way is known to be
    /// the object itself, and all of it goes with that process.
    #[tokio::test]
    async fn an_object_is_passed_through_another_process() {
        let mut processes = start().await;
        let [Arrangement { a, b, c, .. }] = &*processes.arrangements().await else {
            panic!("there is one of each")
        };
        let thing = a.thing().await.unwrap();
        assert!(a.offer(b, c).await.unwrap(), "it comes back as itself");
        assert_eq!(hits(&thing).await, ["rust-c"]);
        assert_eq!(c.again().await.unwrap(), 2, "C has kept it");
        let things = [thing.clone(), thing.clone()];
        assert_eq!(b.pass_many(c, &things).await.unwrap(), things);
        assert_eq!(hits(&thing).await, ["rust-c"; 4]);
        assert!(a.is_mine(&thing).await.unwrap());
        assert!(!b.is_mine(&thing).await.unwrap());

        processes.servers.remove(1).1.kill().await;
        let gone = a.offer(b, c).await.unwrap_err();
        assert_eq!(gone.exception().map(|e| &*e.class), Some("DRb::DRbConnError"));
        let gone = c.again().await.unwrap_err();
        assert_eq!(gone.exception().map(|e| &*e.class), Some("DRb::DRbConnError"));
        assert_eq!(hits(&thing).await, ["rust-c"; 4], "its owner has it all the same");
    }
}

async fn an_object_is_passed_through_another_process(processes: Processes) {
    for Arrangement { says, a, b, c, c_name } in processes.arrangements().await {
        let thing = a.thing().await.unwrap();
        let before = hits(&thing).await.len();

        // As an argument: from A through B to C, and as the result all the way back.
        assert!(a.offer(&b, &c).await.unwrap(), "{says}: it comes back as itself");
        assert_eq!(hits(&thing).await[before..], [c_name.as_str()], "{says}");
        assert_eq!(c.again().await.unwrap(), before + 2, "{says}: C has kept it");

        // As a result: from A through B to C, and as an argument straight back.
        assert!(c.fetch(&b, &a).await.unwrap(), "{says}: A knows its own");
        assert_eq!(c.again().await.unwrap(), before + 4, "{says}: C has kept it");

        // From here, which is a fourth process, within a list. (None of them may be C's own: a list
        // with one of its own objects stays with Ruby as a whole.)
        let things = [thing.clone(), thing.clone()];
        assert_eq!(b.pass_many(&c, &things).await.unwrap(), things, "{says}");
        assert_eq!(hits(&thing).await[before..], [c_name.as_str(); 6], "{says}");

        // It is A's alone.
        assert!(a.is_mine(&thing).await.unwrap(), "{says}");
        assert!(!b.is_mine(&thing).await.unwrap(), "{says}");
        assert!(!c.is_mine(&thing).await.unwrap(), "{says}");
    }
}

async fn a_block_is_passed_through_another_process(processes: Processes) {
    for Arrangement { says, a, b, c, .. } in processes.arrangements().await {
        assert_eq!(a.sum_through(&b, &c).await.unwrap(), [1, 2, 3, 60], "{says}");
        assert_eq!(a.find_through(&b, &c).await.unwrap(), 700, "{says}");
        let failed = a.fail_through(&b, &c).await.unwrap();
        assert_eq!(failed, "RuntimeError: not two", "{says}");
    }
}

async fn the_process_in_the_middle_may_go(mut processes: Processes) {
    // With two of them, since a C keeps one object: Ruby, Rust, Ruby, and Rust, Ruby, Rust.
    let arrangements = processes.arrangements().await;
    let mixed = [&arrangements[2], &arrangements[5]];
    for Arrangement { says, a, b, c, .. } in mixed {
        assert!(a.offer(b, c).await.unwrap(), "{says}");
    }
    // The servers stand in the order ruby-a, rust-a, ruby-b, …
    for (_, server) in processes.servers.drain(2..4) {
        server.kill().await;
    }
    for Arrangement { says, a, b, c, c_name } in mixed {
        let gone = a.offer(b, c).await.unwrap_err();
        assert_eq!(gone.exception().map(|e| &*e.class), Some("DRb::DRbConnError"), "{says}");
        assert_eq!(c.again().await.unwrap(), 2, "{says}");
        let thing = a.thing().await.unwrap();
        assert_eq!(hits(&thing).await, [c_name.as_str(); 2], "{says}");
    }
}

async fn hits(thing: &ThingProxy) -> Vec<String> {
    thing.hits().await.unwrap()
}
