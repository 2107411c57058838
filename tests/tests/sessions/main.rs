//! Conversations that were captured between Ruby and Ruby, with ours in the place of one side.
//!
//! A program of its own: where a client passes an object or a block, the first server of the process
//! is the one that is called back.

// A program has no other users.
#![allow(unreachable_pub)]

mod front;
mod notes;
mod server;
mod vectors;
mod wire;

use std::time::Duration;
use tokio::time::timeout;

/// How long one conversation may take: far longer than it does.
const BOUND: Duration = Duration::from_secs(20);

/// What `replay` has found wrong in any conversation fails the test, all of it at once.
fn all_right(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn our_server_answers_rubys_clients() {
    let mut wrong = Vec::new();
    for session in vectors::sessions() {
        if takes_block(&session) {
            continue;
        }
        let Some(notes) = notes::server(session.name) else { continue };
        match timeout(BOUND, server::replay(&session, &notes)).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => wrong.push(format!("{}: {problem}", session.name)),
            Err(_) => wrong.push(format!("{}: waits for something", session.name)),
        }
    }
    all_right(&wrong);
}

/// Whether a method of it calls a block. Services cannot take blocks yet.
fn takes_block(session: &vectors::Session) -> bool {
    let calls = |event: &vectors::Event| {
        let method = event.streams.get(1).filter(|_| event.request);
        event.link == vectors::Link::Callback
            && method.is_some_and(|name| wire::load(name).as_str() == Some("call"))
    };
    session.events.iter().any(calls)
}
