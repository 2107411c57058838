//! Connections that begin in the manner of drbfire.

use super::admit::Arrival;
use crate::{
    Identity, Limit,
    fire::{self, Claim},
    net::{Brought, Ends, Stream},
    timer::Timer,
    wire::{CALLS, CALLS_BACK, CONTROL},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};
use tokio::{sync::oneshot, time::Instant};

/// What a connection is for.
enum Purpose {
    Calls,
    /// By Ruby's wire or the native one, as they are.
    OtherCalls,
    CallsBack(u32),
    Control,
}

impl Arrival {
    /// Reads what a connection to a server of drbfire is for. Gives it back if it is for calls, by whichever wire;
    /// everything else is done when this ends.
    pub(super) async fn by_fire(
        mut self,
        mut stream: Stream,
        first: &mut Vec<u8>,
        identity: &Identity,
        until: Instant,
    ) -> Option<(Self, Stream)> {
        let purpose = Timer::default().by(until, pin!(self.purpose(&mut stream, first))).await;
        let Ok(purpose) = purpose else {
            self.shared.refused(&self.peer, identity, Some(Limit::Greeting));
            return None;
        };
        match purpose? {
            Purpose::Calls => return Some((self, stream)),
            Purpose::OtherCalls => {
                self.uri = self.shared.without_fire(&self.uri);
                return Some((self, stream));
            }
            Purpose::CallsBack(number) => self.calls_back(number, stream, identity).await,
            Purpose::Control => self.control(stream, identity).await,
        }
        None
    }

    /// Reads until that is known. `None` if the peer leaves, or is to go.
    async fn purpose(&self, stream: &mut Stream, first: &mut Vec<u8>) -> Option<Purpose> {
        loop {
            let known = match (first.first(), first.get(1..5)) {
                (Some(&CALLS), _) => Some(Purpose::Calls),
                (Some(&CALLS_BACK), Some(&[a, b, c, d])) => {
                    Some(Purpose::CallsBack(u32::from_be_bytes([a, b, c, d])))
                }
                (Some(&CALLS_BACK), _) | (None, _) => None,
                (Some(&CONTROL), _) => Some(Purpose::Control),
                (Some(_), _) => return Some(Purpose::OtherCalls),
            };
            if let Some(known) = known {
                first.remove(0);
                return Some(known);
            }
            if self.read(stream, first).await? == 0 {
                return None;
            }
        }
    }

    /// Hands a connection to the call that has asked for it, and waits until it isn't used any more: it is one of
    /// this server's all the time.
    async fn calls_back(self, number: u32, stream: Stream, identity: &Identity) {
        let waits = match fire::claim(&self.shared, number, &self.peer, identity) {
            Ok(Claim::For(waits)) => waits,
            Ok(Claim::ForNobody) => return,
            Err(problem) => {
                self.shared.refused_fire(&self.peer, identity, problem);
                return self.failed();
            }
        };
        let Self { peer, seat, newcomer, .. } = self;
        drop(newcomer);
        let (counted, gone) = oneshot::channel();
        let brought = Brought {
            peer,
            identity: identity.clone(),
            ends: Ends::of(&stream),
            stream: Box::new(stream),
            _counted: Some(counted),
        };
        // Nobody may wait any more by now; then it is gone already.
        let _ = waits.send(brought.into());
        let mut gone = pin!(gone);
        // When the server stops, the connection serves the calls that still run, and goes with them.
        let over = poll_fn(|context| match seat.stopper.poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => gone.as_mut().poll(context).map(drop),
        });
        over.await;
    }

    /// Looks after a control connection.
    async fn control(self, stream: Stream, identity: &Identity) {
        let Self { shared, peer, uri, seat, newcomer } = self;
        drop(newcomer);
        let client = (uri, peer.clone(), identity.clone());
        let limit = fire::control(&shared, stream, client, &seat.stopper).await;
        if limit.is_some() {
            shared.refused(&peer, identity, limit);
        }
    }
}
