//! A control connection, as the server sees it.

use super::{
    WANTED,
    ways::{Answers, Open},
};
use crate::{
    Identity, Limit, Limits, Peer,
    net::Stream,
    server::{Shared, Stopper},
    timer::Timer,
    wait::{self, Ended},
};
use std::{future::poll_fn, sync::Arc, task::Poll};
use tokio::time::Instant;

/// So many connections are asked for at once.
const MOST: usize = 64;

/// Gives a client its number, and asks it for connections, until it goes. Gives the limit that it has exceeded, if
/// it is closed for that.
///
/// A server that stops takes no more connections, and asks for none. But the client may take the end of this one for
/// the end of all, while calls that still run call back over those that are there: so it stays until they have
/// ended.
pub(crate) async fn control(
    server: &Arc<Shared>,
    mut stream: Stream,
    (uri, peer, identity): (Arc<str>, Peer, Identity),
    stopper: &Stopper,
) -> Option<Limit> {
    let open = Open::new(server, uri, peer, identity);
    let _counted = server.leads_back();
    // Only now: a server that stops waits for all that isn't counted.
    if stopper.stops() {
        return None;
    }
    let Limits { stall, keepalive, .. } = *server.limits;
    let mut timer = Timer::default();
    let mut say = open.0.number.to_be_bytes().to_vec();
    loop {
        let until = Some(Instant::now() + stall);
        match wait::write(&mut stream, &say, say.len(), &mut timer, until).await {
            Ok(_) => {}
            Err(Ended::TimedOut) => return Some(Limit::Stall),
            Err(Ended::Io(_)) => return None,
        }
        let Answers::Until(silent) = open.0.answers(keepalive, Instant::now()) else {
            return Some(Limit::Keepalive);
        };
        say = vec![WANTED; open.0.take_unsaid(MOST)];
        if say.is_empty() {
            let mut heard = Vec::new();
            tokio::select! {
                biased;
                // Whether it has gone or says something: it has nothing to say.
                _ = poll_fn(|context| wait::poll_read(&mut stream, &mut heard, context)) => return None,
                () = poll_fn(|context| stopper.poll(context)), if !stopper.stops() => {}
                () = open.0.more.notified() => {}
                () = poll_fn(|context| match silent {
                    Some(until) => timer.poll(until, context),
                    None => Poll::Pending,
                }) => {}
            }
        }
        if stopper.stops() {
            open.0.close();
        }
    }
}
