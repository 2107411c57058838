//! The server's side.

use crate::{
    Failed, Wire, control,
    service::Bench,
    workload::{EXPORTS, ITEMS},
};
use drb::{Limits, Server};

/// Serves until nobody needs it any more.
pub(crate) async fn serve(wire: Wire) -> Result<(), Failed> {
    let server = Server::builder().front(Bench).limits(limits()).start(any_port(wire)).await?;
    control::announce(server.uri())?;
    server.wait().await;
    Ok(())
}

/// W8 has more references than a message may have, and than a peer may hold, by default.
pub(crate) fn limits() -> Limits {
    let references = EXPORTS as usize;
    Limits { references, exports: references + ITEMS as usize, ..Limits::default() }
}

/// An address for a server of this machine.
pub(crate) fn any_port(wire: Wire) -> &'static str {
    match wire {
        Wire::Native => "drb://127.0.0.1:0",
        Wire::Ruby => "druby://127.0.0.1:0",
    }
}
