//! Waits for the end of an object of this process.

use super::Shared;
use crate::{Closed, ObjectId};
use std::sync::Weak;
use tokio::sync::watch;

/// Waits until the object is withdrawn, or its server ends.
///
/// A lease that is over is noticed with the next withdrawal; whoever waits for the object had better
/// [keep](super::Server::keep) it.
pub(crate) async fn closed(
    server: Weak<Shared>,
    mut changes: watch::Receiver<u64>,
    id: &ObjectId,
) -> Closed {
    loop {
        match server.upgrade() {
            Some(server) if server.has_ended() => return Closed::Stopped,
            Some(server) if !server.objects.has(id) => return Closed::Withdrawn,
            Some(_) => {}
            None => return Closed::Stopped,
        }
        // If the sender is gone, so is the server.
        if changes.changed().await.is_err() {
            return Closed::Stopped;
        }
    }
}
