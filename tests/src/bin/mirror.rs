//! Serves a mirror until it is ended: see `tests/tests/concurrency`.

use drb_tests::mirror::{Glass, MirrorProxy};

struct Front;

#[drb::service]
impl Front {
    /// A new one.
    pub fn mirror(&self) -> Option<MirrorProxy> {
        drb::current_server().map(|server| Glass::kept(&server))
    }
}

#[tokio::main]
async fn main() -> drb::Result<()> {
    let server = drb::start_service((), Front).await?;
    println!("ready {}", server.uri());
    server.wait().await;
    Ok(())
}
