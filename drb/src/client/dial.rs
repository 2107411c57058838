//! Makes connections.

use super::pool::{Connection, Pool};
use crate::{Client, Error, Outcome, Request, Uri, net::Ends, spin::Spin, timer::Timer, transport};
use std::{
    future::Future,
    io::{self, ErrorKind},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// When a call has to have its result, if it has to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) until: Option<Instant>,
    pub(super) after: Duration,
}

impl Deadline {
    /// `after` from now on.
    pub(crate) fn new(after: Option<Duration>) -> Self {
        let until = after.and_then(|after| Instant::now().checked_add(after));
        Self { until, after: after.unwrap_or_default() }
    }

    /// That of a request that is made now.
    ///
    /// # Errors
    /// There is no time left for it.
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        let now = Instant::now();
        let after = request.time_left(now.into_std())?;
        let until = after.and_then(|after| now.checked_add(after));
        Ok(Self { until, after: after.unwrap_or_default() })
    }

    /// Waits for something at `uri` to be done before the call's deadline, and no longer than `most`.
    pub(crate) async fn bound<T>(
        &self,
        timer: &mut Timer,
        most: Duration,
        uri: &Arc<str>,
        work: Pin<&mut impl Future<Output = io::Result<T>>>,
    ) -> Result<T, Error> {
        let failed = |error| Error::connecting(uri, error);
        let bound = Instant::now() + most;
        let until = self.until.map_or(bound, |until| until.min(bound));
        match timer.by(until, work).await {
            Ok(done) => done.map_err(failed),
            Err(_) if until < bound => Err(self.exceeded(Outcome::NotExecuted)),
            Err(_) => Err(failed(ErrorKind::TimedOut.into())),
        }
    }

    /// When that is.
    pub(crate) fn until(&self) -> Option<std::time::Instant> {
        self.until.map(Instant::into_std)
    }

    /// The error of a call that had no result by then.
    pub(crate) fn exceeded(&self, outcome: Outcome) -> Error {
        Error::DeadlineExceeded { after: self.after, outcome }
    }
}

/// Makes a connection for `pool`, which then knows where it leads to.
pub(super) async fn dial(
    pool: &Pool,
    client: &Client,
    deadline: Deadline,
) -> Result<Connection, Error> {
    let uri = pool.uri();
    let runtime = current_runtime(uri)?;
    let to = Uri::parse(uri)?;
    transport::check(&to, uri, client)?;
    let mut timer = Timer::default();
    let connecting = pin!(transport::connect(&to, client));
    let most = client.limits().connect;
    let stream = deadline.bound(&mut timer, most, uri, connecting).await?;
    pool.found(Ends::of(&stream));
    let spin = Spin::new(client.limits().spin, &stream);
    Ok(Connection { stream, timer, spin, runtime, used: Instant::now() })
}

/// The runtime that this is polled in.
pub(crate) fn current_runtime(uri: &Arc<str>) -> Result<tokio::runtime::Id, Error> {
    match Handle::try_current() {
        Ok(handle) => Ok(handle.id()),
        Err(error) => {
            let source = Arc::new(io::Error::other(error));
            Err(Error::Connect { uri: Arc::clone(uri), source })
        }
    }
}
