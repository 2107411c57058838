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
    check(async |session| client::replay(session).await).await;
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
    for (name, reason) in noted.chain(unrecorded).chain(notes::NEITHER) {
        assert!(sessions.iter().any(|session| session.name == name), "{name} is no conversation");
        assert!(!reason.is_empty(), "{name}");
    }
}
