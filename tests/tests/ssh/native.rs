//! The native wire through a session: callbacks come over the same channel.

use crate::{builder, journal, session};
use drb::{
    Client, Context, Error, Identity, Outcome,
    ssh::{self, Session},
};
use drb_tests::{
    SOON,
    far::FarHost,
    talk::{Listener, TalkerProxy},
};
use std::time::Duration;
use tokio::time::timeout;

struct Door;

#[drb::service]
impl Door {
    pub fn who(&self, #[drb(context)] call: &Context) -> String {
        match call.identity() {
            Identity::Unix { uid, .. } => format!("user {uid}"),
            other => other.to_string(),
        }
    }
}

#[tokio::test]
async fn calls_callbacks_and_blocks() {
    let far = FarHost::new().await;
    let journal = journal(&far);
    let path = journal.path().display().to_string();
    let socket = far.path("socket").display().to_string();
    for uri in ["drb://localhost:9000", &format!("drb+unix:{socket}")] {
        let peer = far.peer("talk", &[uri, &path, "60000"]).await;
        let session = session(&far).await;
        let client = Client::builder().through(&session).build();
        let talker: TalkerProxy = client.connect(uri).await.unwrap();
        let said = talker.talk_to(Listener::new(&journal), "x".repeat(3 << 20), "", 3 << 20);
        assert_eq!(said.await.unwrap().len(), 3 << 20);
        let mut heard = Vec::new();
        let said = talker.talk_to_block("", "", 7, |number| {
            heard.push(number);
            number
        });
        assert_eq!(said.await.unwrap().len(), 7);
        assert_eq!(heard, [1, 2]);
        assert_eq!(far.connections(), 1, "one connection carries all");
        drop((talker, client, session));
        timeout(SOON, async {
            while far.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("nobody uses it any more");
        peer.kill().await;
    }
    let lines = journal.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("heard")).count(), 4, "{lines:?}");
}

#[tokio::test]
async fn a_unix_socket_tells_who_has_logged_in() {
    let far = FarHost::new().await;
    let uri = format!("drb+unix:{}", far.path("door").display());
    let _server = drb::start_service(uri.as_str(), Door).await.unwrap();
    let session = session(&far).await;
    let client = Client::builder().through(&session).build();
    let door: DoorProxy = client.connect(&uri).await.unwrap();
    let own = drb_tests::far::own_user();
    assert_eq!(door.who().await.unwrap(), format!("user {own}"));
}

#[tokio::test]
async fn an_sshd_that_is_killed_in_the_middle_of_a_call() {
    let far = FarHost::new().await;
    let journal = journal(&far);
    let path = journal.path().display().to_string();
    let _peer = far.peer("talk", &["drb://localhost:9000", &path, "60000"]).await;
    let first = session(&far).await;
    let client = Client::builder().through(&first).build();
    let talker: TalkerProxy = client.connect("drb://localhost:9000").await.unwrap();
    let call = tokio::spawn(talker.talk_to(Listener::new(&journal), "", "talk", 1).into_future());
    while journal.lines().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    far.cut();
    let error = timeout(SOON, call).await.expect("it is told").unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { outcome: Outcome::Unknown, .. }), "{error:?}");
    let reason = timeout(SOON, first.closed()).await.expect("the session knows");
    assert!(matches!(reason, ssh::Error::Lost { .. }), "{reason:?}");
    // What comes later hasn't run, and says why.
    let error = talker.usage().await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error:?}");
    assert!(matches!(ssh::Error::of(&error), Some(ssh::Error::Lost { .. })), "{error:?}");
    // Another session serves again.
    let again = Client::builder().through(&session(&far).await).build();
    let talker: TalkerProxy = again.connect("drb://localhost:9000").await.unwrap();
    talker.usage().await.unwrap();
}

#[tokio::test]
async fn one_session_for_all_objects_behind_a_uri() {
    let far = FarHost::new().await;
    let journal = journal(&far);
    let path = journal.path().display().to_string();
    let socket = far.path("socket").display().to_string();
    let _tcp = far.peer("talk", &["drb://localhost:9000", &path, "60000"]).await;
    let _unix = far.peer("talk", &[&format!("drb+unix:{socket}"), &path, "60000"]).await;
    let client = Client::builder().ssh(builder(&far)).build();
    let at = |place: &str| format!("drb+ssh://{}/{place}", far.address());
    let (first, second) = (at("localhost:9000"), at(&socket));
    let (first, second) =
        tokio::join!(client.connect::<TalkerProxy>(&first), client.connect::<TalkerProxy>(&second));
    for talker in [first.unwrap(), second.unwrap()] {
        let said = talker.talk_to(Listener::new(&journal), "x".repeat(1 << 20), "", 1 << 20);
        assert_eq!(said.await.unwrap().len(), 1 << 20);
        let mut heard = Vec::new();
        let said = talker.talk_to_block("", "", 7, |number| {
            heard.push(number);
            number
        });
        assert_eq!(said.await.unwrap().len(), 7);
        assert_eq!(heard, [1, 2]);
        assert_eq!(far.connections(), 1);
    }
}

#[tokio::test]
async fn a_uri_connects_again() {
    let far = FarHost::new().await;
    let journal = journal(&far);
    let path = journal.path().display().to_string();
    let _peer = far.peer("talk", &["drb://localhost:9000", &path, "60000"]).await;
    let client = Client::builder().ssh(builder(&far)).build();
    let uri = format!("drb+ssh://{}/localhost:9000", far.address());
    let talker: TalkerProxy = client.connect(&uri).await.unwrap();
    let call = tokio::spawn(talker.talk_to(Listener::new(&journal), "", "talk", 1).into_future());
    while journal.lines().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    far.cut();
    let error = timeout(SOON, call).await.expect("it is told").unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { outcome: Outcome::Unknown, .. }), "{error:?}");
    // The next call makes another session.
    timeout(SOON, talker.usage()).await.unwrap().unwrap();
    assert_eq!(far.connections(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_login_is_told_where_the_uri_is_used() {
    let far = FarHost::new().await;
    let uri = format!("drb+ssh://{}/localhost:9000", far.address());
    let wrong = builder(&far).known_hosts(far.path("known_hosts"));
    std::fs::write(far.path("known_hosts"), "").unwrap();
    let client = Client::builder().ssh(wrong).build();
    let error = client.connect::<TalkerProxy>(&uri).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(matches!(ssh::Error::of(&error), Some(ssh::Error::UnknownHost { .. })), "{error:?}");
    // With the server all is well, but nobody is behind it.
    let ssh = Session::builder().key_file(far.path("id")).dangerously_accept_any_host();
    let client = Client::builder().ssh(ssh).build();
    let error = client.connect::<TalkerProxy>(&uri).await.unwrap_err();
    assert!(matches!(ssh::Error::of(&error), Some(ssh::Error::Refused { .. })), "{error:?}");
}

#[drb::service]
trait Guest {
    async fn visit(&self) -> String;
}

/// Calls whatever it is given.
struct Host;

#[drb::service]
impl Host {
    pub async fn invite(&self, guest: GuestProxy) -> drb::Result<String> {
        guest.visit().await
    }
}

#[tokio::test]
async fn a_peers_word_makes_no_session() {
    let far = FarHost::new().await;
    let client = Client::builder().ssh(builder(&far)).build();
    let server = drb::Server::builder().front(Host).client(client);
    let server = server.start("druby://127.0.0.1:0").await.unwrap();
    // A peer of Ruby's wire can write what it likes into a reference.
    let program = r#"
        there = DRbObject.new_with(ARGV[1], nil)
        begin
          DRbObject.new_with_uri(ARGV[0]).invite(there)
        rescue => error
          puts error.message
        end
    "#;
    let uri = format!("drb+ssh://{}/localhost:9000", far.address());
    let printed = drb_tests::ruby(program, &[server.uri(), &uri]).await;
    assert!(printed.contains("is a peer's word"), "{printed}");
    assert_eq!(far.connections(), 0);
}
