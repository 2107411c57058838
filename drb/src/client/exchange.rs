//! One call over one connection: the request there, the reply back.

use super::{
    dial::{self, Deadline},
    pool::Connection,
    route::Route,
};
use crate::{
    Error, Link, LoadErrorKind, Outcome, Request, Response, TlsProblem,
    ruby::{ReplyHead, ReplyReader},
    wait::{self, Ended},
    wire,
};
use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    sync::Arc,
    task::Poll,
};
use tokio::time::Instant;

/// Carries a request there and the reply back.
///
/// A connection is in the pool, or in here: a call that ends early, by an error or because nobody
/// waits for it any more, takes its connection with it, so that no reply ever goes to another call.
pub(super) async fn exchange(route: Arc<Route>, request: Request) -> Result<Response, Error> {
    let deadline = Deadline::of(&request)?;
    let Request { mut bytes, .. } = request;
    let mut connection = send(&route, &bytes, deadline).await?;

    // The request is there as a whole; from here on the method may run. The reply goes into the
    // request's memory.
    bytes.clear();
    let head = receive(&route, &mut connection, &mut bytes, deadline).await?;
    // After a failure the server closes. What comes behind the reply, nobody has asked for.
    if head.success && head.body.end == bytes.len() {
        route.pool.put(connection);
    }
    Ok(Response::ruby(bytes, head, Arc::clone(route.limits()), route.session()))
}

/// Sends the request, and gives the connection on which that was possible.
async fn send(route: &Route, bytes: &[u8], deadline: Deadline) -> Result<Connection, Error> {
    let uri = route.pool.uri();
    let runtime = dial::current_runtime(uri)?;
    loop {
        let pooled = route.pool.take(runtime);
        let reused = pooled.is_some();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => dial::dial(&route.pool, &route.client, deadline).await?,
        };
        let Connection { stream, timer, .. } = &mut connection;
        // A server runs a method only once it has the request as a whole. So as long as the last
        // byte isn't written, the method has not run, and the call may go another way.
        match wait::write(stream, bytes, bytes.len(), timer, deadline.until).await {
            Ok(_) => return Ok(connection),
            Err(Ended::TimedOut) => return Err(deadline.exceeded(Outcome::NotExecuted)),
            // It was closed just now. Each turn uses up one of the pool.
            Err(Ended::Io(_)) if reused => {}
            Err(Ended::Io(error)) => {
                // The server may have said why, before it closed.
                let mut early = Vec::new();
                return match receive(route, &mut connection, &mut early, deadline).await {
                    Ok(head) => Err(refusal(route, early, head, error)),
                    Err(tls @ Error::Tls { .. }) => Err(tls),
                    Err(_) => Err(lost(uri, Outcome::NotExecuted, error)),
                };
            }
        }
    }
}

async fn receive(
    route: &Route,
    connection: &mut Connection,
    bytes: &mut Vec<u8>,
    deadline: Deadline,
) -> Result<ReplyHead, Error> {
    let uri = route.pool.uri();
    let mut reader = ReplyReader::new(route.limits());
    let Connection { stream, timer, spin, .. } = connection;
    spin.went();
    loop {
        wait::make_room(bytes, reader.needs());
        let read = poll_fn(|context| {
            if let Poll::Ready(result) = spin.poll_read(stream, bytes, context) {
                spin.came(Instant::now);
                return Poll::Ready(result.map_err(Ended::Io));
            }
            if let Some(until) = deadline.until
                && timer.poll(until, context).is_ready()
            {
                return Poll::Ready(Err(Ended::TimedOut));
            }
            spin.wait(context);
            Poll::Pending
        });
        let read = read.await;
        // A result is only on its way once the method has run.
        let outcome = if reader.has_succeeded() { Outcome::Executed } else { Outcome::Unknown };
        match read {
            Ok(0) => {
                let closed = io::Error::new(ErrorKind::UnexpectedEof, "connection closed");
                return Err(lost(uri, outcome, closed));
            }
            Ok(_) => {}
            Err(Ended::TimedOut) => return Err(deadline.exceeded(outcome)),
            Err(Ended::Io(error)) => return Err(lost(uri, outcome, error)),
        }
        match reader.advance(bytes) {
            Ok(None) => {}
            Ok(Some(head)) => return Ok(head),
            Err(_) if wire::is_tls(bytes) => {
                let problem = TlsProblem::OnlyTls;
                return Err(Error::Tls { uri: Arc::clone(uri), problem });
            }
            // A reply that is too large is one.
            Err(error) if matches!(error.kind(), LoadErrorKind::Limit { .. }) => {
                return Err(Error::Load(error));
            }
            Err(error) => {
                let problem = error.to_string();
                return Err(Error::Protocol { uri: Arc::clone(uri), problem });
            }
        }
    }
}

/// What the server has answered to a request that it didn't read to its end.
fn refusal(route: &Route, bytes: Vec<u8>, head: ReplyHead, error: io::Error) -> Error {
    let limits = Arc::clone(route.limits());
    let mut response = Response::ruby(bytes, head, limits, route.session());
    match response.load::<()>() {
        Ok(Err(mut exception)) => {
            // Only part of the request was there, whoever has answered.
            exception.refused = true;
            Error::from_exception(exception)
        }
        _ => lost(route.pool.uri(), Outcome::NotExecuted, error),
    }
}

fn lost(uri: &Arc<str>, outcome: Outcome, error: io::Error) -> Error {
    match Error::connecting(uri, error) {
        Error::Connect { uri, source } => Error::ConnectionLost { uri, outcome, source },
        // It was never let in.
        other => other,
    }
}
