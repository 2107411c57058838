//! The examples in which the server calls its clients, with Ruby on either side.

use drb_tests::{Program, Server, ruby};

/// The same example in Rust and in Ruby.
#[derive(Debug, Clone, Copy, PartialEq)]
enum In {
    Rust,
    Ruby,
}

const BOTH: [In; 2] = [In::Rust, In::Ruby];

/// Every server with every client.
fn sides() -> impl Iterator<Item = (In, In)> {
    BOTH.into_iter().flat_map(|server| BOTH.map(|client| (server, client)))
}

async fn server(name: &str, language: In) -> Server {
    match language {
        In::Rust => Server::example(name).await,
        In::Ruby => Server::ruby_example(&format!("{name}.rb")).await,
    }
}

async fn client(name: &str, language: In, arguments: &[&str]) -> Program {
    match language {
        In::Rust => Program::example(name, arguments).await,
        In::Ruby => Program::ruby_example(&format!("{name}.rb"), arguments),
    }
}

async fn hears(program: &mut Program, line: &str) {
    assert_eq!(program.line().await.as_deref(), Some(line));
}

#[tokio::test]
async fn chat() {
    for language in BOTH {
        let room = server("chat_server", language).await;
        let mut ada = client("chat_client", In::Rust, &[room.uri(), "Ada"]).await;
        hears(&mut ada, "room: Ada is here").await;
        hears(&mut ada, "already here: []").await;

        let mut bob = client("chat_client", In::Ruby, &[room.uri(), "Bob"]).await;
        hears(&mut bob, "room: Bob is here").await;
        hears(&mut bob, r#"already here: ["Ada"]"#).await;
        hears(&mut ada, "room: Bob is here").await;

        let mut eve = client("chat_client", In::Rust, &[room.uri(), "Eve"]).await;
        hears(&mut eve, "room: Eve is here").await;
        hears(&mut eve, r#"already here: ["Ada", "Bob"]"#).await;
        for other in [&mut ada, &mut bob] {
            hears(other, "room: Eve is here").await;
        }

        // Whoever speaks is called back while the call goes on.
        for (speaker, name) in [0, 1, 2].into_iter().zip(["Ada", "Bob", "Eve"]) {
            let all = [&mut ada, &mut bob, &mut eve];
            all[speaker].say("hello").await;
            for one in all {
                hears(one, &format!("{name}: hello")).await;
            }
        }

        // Who is gone without a word is dropped, and the others go on.
        eve.kill().await;
        bob.say("anybody?").await;
        for one in [&mut ada, &mut bob] {
            hears(one, "Bob: anybody?").await;
        }
        let mut eve = client("chat_client", In::Ruby, &[room.uri(), "Eve"]).await;
        hears(&mut eve, "room: Eve is here").await;
        hears(&mut eve, r#"already here: ["Ada", "Bob"]"#).await;
        for other in [&mut ada, &mut bob] {
            hears(other, "room: Eve is here").await;
        }

        assert_eq!(bob.end().await, [""; 0]);
        for other in [&mut ada, &mut eve] {
            hears(other, "room: Bob has left").await;
        }
        assert_eq!(ada.end().await, [""; 0]);
        hears(&mut eve, "room: Ada has left").await;
        assert_eq!(eve.end().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_name_is_given_once() {
    for language in BOTH {
        let room = server("chat_server", language).await;
        let mut ada = client("chat_client", In::Rust, &[room.uri(), "Ada"]).await;
        hears(&mut ada, "room: Ada is here").await;
        let program = "
            DRb.start_service('druby://127.0.0.1:0')
            room = DRbObject.new_with_uri(ARGV[0])
            me = Object.new.extend(DRbUndumped)
            [-> { room.join(me, 'Ada') }, -> { room.say(me, 'hello') }].each do |attempt|
              attempt.call
            rescue => error
              puts error.class
            end";
        assert_eq!(ruby(program, &[room.uri()]).await, "ArgumentError\nKeyError\n");
    }
}

#[tokio::test]
async fn observer() {
    for language in BOTH {
        let thermometer = server("observer_server", language).await;
        let set = |degrees: &'static str| {
            let uri = thermometer.uri().to_owned();
            async move {
                let program = "
                    thermometer = DRbObject.new_with_uri(ARGV[0])
                    thermometer.degrees = Float(ARGV[1])
                    puts thermometer.count_observers";
                ruby(program, &[&uri, degrees]).await
            }
        };
        let mut rust = client("observer_client", In::Rust, &[thermometer.uri()]).await;
        let mut ruby = client("observer_client", In::Ruby, &[thermometer.uri()]).await;
        let mut dying = client("observer_client", In::Rust, &[thermometer.uri()]).await;
        let mut dying_too = client("observer_client", In::Ruby, &[thermometer.uri()]).await;
        for one in [&mut rust, &mut ruby, &mut dying, &mut dying_too] {
            assert!(one.line().await.unwrap().starts_with("observing as druby://localhost:"));
        }

        assert_eq!(set("20.5").await, "4\n");
        // Nothing has changed.
        assert_eq!(set("20.5").await, "4\n");
        for one in [&mut rust, &mut ruby, &mut dying, &mut dying_too] {
            hears(one, "20.5 degrees").await;
        }

        // The dead ones are dropped when they cannot be told.
        dying.kill().await;
        dying_too.kill().await;
        assert_eq!(set("21.5").await, "2\n");
        assert_eq!(set("22.5").await, "2\n");
        for one in [&mut rust, &mut ruby] {
            hears(one, "21.5 degrees").await;
            hears(one, "22.5 degrees").await;
        }
    }
}

/// Runs a client to its end and gives what it printed.
async fn printed(name: &str, language: In, uri: &str) -> Vec<String> {
    client(name, language, &[uri]).await.end().await
}

#[tokio::test]
async fn update() {
    for (server_in, client_in) in sides() {
        let updater = server("update_server", server_in).await;
        let printed = printed("update_client", client_in, updater.uri()).await;
        let expected = ["a copy: 10, 20", "by reference: 11, 21"];
        assert_eq!(printed, expected, "{client_in:?} calls {server_in:?}");
    }
}

#[tokio::test]
async fn blocks() {
    for (server_in, client_in) in sides() {
        let words = server("blocks_server", server_in).await;
        let printed = printed("blocks_client", client_in, words.uri()).await;
        let expected = [
            "3 words have 13 letters",
            "their lengths: [3, 6, 4]",
            "coffee is at 1",
            "no coffee, please (RuntimeError)",
        ];
        assert_eq!(printed, expected, "{client_in:?} calls {server_in:?}");
    }
}

#[tokio::test]
async fn ssl() {
    let folder = std::env::temp_dir().join(format!("drb-{}-ssl-example", std::process::id()));
    let folder = folder.to_str().unwrap();
    // The first server is one of Rust, and makes the certificates.
    for (server_in, client_in) in sides() {
        let at = "drbssl://localhost:0";
        let door = match server_in {
            In::Rust => Server::example_at("ssl_server", at, &[folder]).await,
            In::Ruby => Server::ruby_example_at("ssl_server.rb", at, &[folder]).await,
        };
        let mut knocks = client("ssl_client", client_in, &[door.uri(), folder]).await;
        hears(&mut knocks, "come in, client").await;
        for room in ["hall", "kitchen", "attic"] {
            hears(&mut knocks, &format!("there is the {room}")).await;
        }
        hears(&mut knocks, "3 rooms").await;
        assert_eq!(knocks.end().await, [""; 0], "{client_in:?} calls {server_in:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn fire() {
    for (server_in, client_in) in sides() {
        let at = "drbfire://localhost:0";
        let news = match server_in {
            In::Rust => Server::example_at("fire_server", at, &[]).await,
            In::Ruby => Server::ruby_example_at("fire_server.rb", at, &[]).await,
        };
        let printed = printed("fire_client", client_in, news.uri()).await;
        let expected = [
            "I read: there is fresh tea",
            "I read: the milk is sour",
            "2 pieces of news",
            "I am told: there is cake",
            "readers told: 1",
        ];
        assert_eq!(printed, expected, "{client_in:?} calls {server_in:?}");
    }
}
