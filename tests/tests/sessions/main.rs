//! Conversations that were captured between Ruby and Ruby, with ours in the place of one side.
//!
//! A program of its own: where a client passes an object or a block, the first server of the process
//! is the one that is called back.

// A program has no other users.
#![allow(unreachable_pub)]

mod client;
mod front;
mod notes;
mod plays;
mod server;
mod vectors;
mod wire;

use std::time::Duration;
use tokio::time::timeout;
use vectors::{Session, sessions};

/// How long one conversation may take: far longer than it does.
const BOUND: Duration = Duration::from_secs(20);

#[tokio::test]
async fn our_server_answers_rubys_clients() {
    client::home();
    check(async |session| server::replay(session).await).await;
}

#[tokio::test]
async fn our_client_calls_rubys_servers() {
    client::home();
    check(async |session| client::replay(session, plays::play).await).await;
}

#[tokio::test]
async fn our_proxies_call_rubys_servers() {
    client::home();
    check(async |session| match plays::TYPED.contains(&session.name) {
        true => client::replay(session, plays::play_typed).await,
        false => Ok(()),
    })
    .await;
}

/// A service raises Ruby's own exceptions as Ruby does: their readers find what they look for.
#[tokio::test]
async fn ruby_reads_the_fields_of_its_own_exceptions() {
    client::home();
    let server = drb::start_service("druby://127.0.0.1:0", front::Front).await.unwrap();
    let program = r"
        front = DRbObject.new_with_uri(ARGV[0])
        rescued = ->(name) do
          front.method_missing(name)
        rescue Exception => error
          error
        end
        error = rescued.(:raise_keyerr)
        p error.key, error.receiver
        p rescued.(:raise_errno).errno, rescued.(:raise_int).signo
        p rescued.(:raise_cause).cause
        error = rescued.(:raise_throw)
        p error.message, error.tag, error.value
        error = rescued.(:no_meth)
        p error.name, error.args
    ";
    let lines = drb_tests::ruby(program, &[server.uri()]).await;
    let expected = [
        ":q",
        "{}",
        "2",
        "2",
        "#<RuntimeError: inner>",
        r#""uncaught throw :xyz""#,
        ":xyz",
        "5",
        ":nope_nope",
        "[]",
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
}

/// Replays all conversations, and fails with all that is wrong in any of them.
async fn check(replay: impl AsyncFn(&Session) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for session in sessions().iter().filter(|session| !concerns_neither(session)) {
        match timeout(BOUND, replay(session)).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => wrong.push(format!("{}: {problem}", session.name)),
            Err(_) => wrong.push(format!("{}: waits for something", session.name)),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn concerns_neither(session: &Session) -> bool {
    notes::NEITHER.iter().any(|(name, _)| *name == session.name)
}

#[test]
fn every_conversation_is_accounted_for() {
    let sessions = sessions();
    assert_eq!(sessions.len(), 76);
    for session in &sessions {
        // All others go through both replays.
        assert_eq!(session.events.is_empty(), concerns_neither(session), "{}", session.name);
    }
    let noted = [&notes::REPLIES[..], &notes::CALLBACKS, &notes::SEEN];
    let noted = noted.into_iter().flatten().map(|differs| (differs.session, differs.reason));
    let unrecorded = notes::UNRECORDED.iter().map(|call| (call.session, "not recorded"));
    let typed = plays::TYPED.map(|name| (name, "through a proxy"));
    for (name, reason) in noted.chain(unrecorded).chain(notes::NEITHER).chain(typed) {
        assert!(sessions.iter().any(|session| session.name == name), "{name} is no conversation");
        assert!(!reason.is_empty(), "{name}");
    }
}
