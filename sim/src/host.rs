//! What a host is made of, and how it makes calls and takes them down.

use crate::{
    history::{Event, History, Life, Outcome, Seen},
    plan::Plan,
    service::Thing,
};
use drb::{CallError, Client, Error};
use std::{future::Future, sync::Arc, task::Poll, time::Duration};

/// One life of a host, as its clients and its objects share it.
pub(crate) struct Host {
    pub(crate) life: Life,
    pub(crate) history: History,
    pub(crate) client: Client,
    pub(crate) plan: Arc<Plan>,
}

/// An error of a call, and what it says to the caller.
pub(crate) trait Fails {
    fn seen(&self) -> Seen;
    fn text(&self) -> String;
}

fn outcome(outcome: drb::Outcome) -> Outcome {
    match outcome {
        drb::Outcome::NotExecuted => Outcome::NotExecuted,
        drb::Outcome::Executed => Outcome::Executed,
        drb::Outcome::Unknown => Outcome::Unknown,
    }
}

impl Fails for Error {
    fn seen(&self) -> Seen {
        let outcome = outcome(self.outcome());
        match self {
            Self::Gone(_) => Seen::Gone,
            Self::Connect { .. }
            | Self::ConnectionLost { .. }
            | Self::DeadlineExceeded { .. }
            | Self::Stopped => Seen::Failed(outcome),
            _ => Seen::Answered(outcome),
        }
    }

    fn text(&self) -> String {
        // A number that differs from run to run is in none of them.
        self.to_string()
    }
}

impl<E: std::fmt::Display> Fails for CallError<E> {
    fn seen(&self) -> Seen {
        match self {
            Self::Method(_) => Seen::Answered(outcome(self.outcome())),
            Self::Drb(error) => error.seen(),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// A call that is to be made.
#[derive(Clone, Copy)]
pub(crate) struct Calling {
    pub(crate) method: &'static str,
    /// The number of the proxy.
    pub(crate) lane: u64,
    /// The deadline.
    pub(crate) within: Duration,
    /// When the caller stops waiting, if it does.
    pub(crate) patience: Option<Duration>,
    /// Whether the caller then doesn't even look whether the answer has come meanwhile.
    pub(crate) hasty: bool,
}

impl Host {
    /// Makes a call and takes down what becomes of it. `make` is given its number and its deadline.
    pub(crate) async fn call<F, T, E>(
        &self,
        calling: Calling,
        make: impl FnOnce(u64, Duration) -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<T, E>>,
        E: Fails,
    {
        let Calling { method, lane, within, patience, hasty } = calling;
        let call = self.history.number();
        self.history.record(Event::Called { call, method, by: self.life, lane, within });
        let mut waiting = Waits { history: &self.history, call: Some(call) };
        let made = make(call, within);
        let ended = match patience {
            None => made.await,
            Some(patience) if hasty => {
                let mut made = std::pin::pin!(made);
                // It has to be begun, however short the patience is.
                let first =
                    std::future::poll_fn(|context| Poll::Ready(made.as_mut().poll(context)));
                match first.await {
                    Poll::Ready(ended) => ended,
                    Poll::Pending => tokio::select! {
                        biased;
                        () = tokio::time::sleep(patience) => return None,
                        ended = made => ended,
                    },
                }
            }
            Some(patience) => tokio::time::timeout(patience, made).await.ok()?,
        };
        match ended {
            Ok(result) => {
                waiting.ended(Seen::Success, String::new());
                Some(result)
            }
            Err(error) => {
                waiting.ended(error.seen(), error.text());
                None
            }
        }
    }

    /// A new object of this host.
    pub(crate) fn thing(self: &Arc<Self>) -> Thing {
        Thing::new(Arc::clone(self))
    }

    /// The time since the beginning of the simulation.
    pub(crate) fn now(&self) -> Duration {
        turmoil::sim_elapsed().unwrap_or_default()
    }
}

/// A call whose caller waits. If it is dropped, the caller doesn't wait any longer.
struct Waits<'a> {
    history: &'a History,
    call: Option<u64>,
}

impl Waits<'_> {
    fn ended(&mut self, seen: Seen, error: String) {
        if let Some(call) = self.call.take() {
            self.history.record(Event::Ended { call, seen, error });
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.ended(Seen::Cancelled, String::new());
    }
}
