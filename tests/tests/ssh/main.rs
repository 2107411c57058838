//! Calls, callbacks and blocks over SSH, with OpenSSH's sshd.
#![cfg(target_os = "linux")]

mod doors;
mod native;
mod tunnels;
mod users;

use drb::ssh::{Session, SessionBuilder};
use drb_tests::far::FarHost;

/// Who is let in.
fn builder(far: &FarHost) -> SessionBuilder {
    Session::builder().key_file(far.path("id")).known_hosts(far.path("known_hosts"))
}

async fn session(far: &FarHost) -> Session {
    builder(far).connect(&far.address()).await.unwrap()
}

/// A name for a journal of this test.
fn journal(far: &FarHost) -> drb_tests::talk::Journal {
    drb_tests::talk::Journal::new(far.path("journal"))
}
