//! How a session is made: connecting, the handshake, and letting the user in.

use super::{
    Error, Session, SessionBuilder, auth,
    far::{Far, Line},
    known_hosts::KnownHost,
    session::Plug,
};
use crate::users;
use drb_core::{Address, Uri};
use russh::{
    Preferred, client,
    keys::{Algorithm, EcdsaCurve},
};
use std::{borrow::Cow, net::TcpStream, os::fd::AsFd, sync::Arc};
use tokio::time::{Instant, timeout_at};

/// So many questions whether the server is still there go unanswered at most.
const UNANSWERED: usize = 2;

impl SessionBuilder {
    /// Connects to `[user@]host[:port]`. An IPv6 address stands in brackets if a port follows.
    ///
    /// It has to be called within a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// Whatever can be wrong with the host, its key or the user: see [`Error`].
    pub async fn connect(&self, to: &str) -> Result<Session, Error> {
        // The place doesn't matter.
        match Uri::parse(&format!("drb+ssh://{to}/:1")).map(|uri| uri.address) {
            Ok(Address::Ssh { user, host, port, .. }) => {
                self.connect_to(user.as_deref(), &host, port).await
            }
            Err(crate::Error::BadUri { problem, .. }) => {
                Err(Error::BadPlace { place: to.to_owned(), problem })
            }
            _ => Err(Error::BadPlace { place: to.to_owned(), problem: "write user@host:port" }),
        }
    }

    /// The same, taken apart.
    pub(super) async fn connect_to(
        &self,
        user: Option<&str>,
        host: &str,
        port: u16,
    ) -> Result<Session, Error> {
        let user = match user.or(self.user.as_deref()) {
            Some(user) => user.to_owned(),
            None => users::own_name().unwrap_or_default(),
        };
        let known = match self.any_host {
            true => None,
            false => Some(KnownHost::read(host, port, &self.known_hosts)?),
        };
        let shown: Arc<str> = match host.contains(':') {
            true => format!("[{host}]:{port}").into(),
            false => format!("{host}:{port}").into(),
        };
        let until = Instant::now() + self.timeout;
        let late = |during| Error::TimedOut { after: self.timeout, during };
        let failed = |error: std::io::Error| {
            let (host, problem) = (shown.to_string(), error.to_string());
            Error::Connect { host, problem }
        };
        let connecting = tokio::net::TcpStream::connect((host, port));
        let stream = timeout_at(until, connecting)
            .await
            .map_err(|_| late(format!("connecting to {shown}")))?
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        // Until the session is there, whatever ends this ends the connection.
        let twin = stream.as_fd().try_clone_to_owned().map_err(failed)?;
        let plug = Plug::new(TcpStream::from(twin));
        let line = Line::new();
        let config = Arc::new(self.config(known.as_ref()));
        let far = Far { line: Arc::clone(&line), host: known };
        let mut handle = timeout_at(until, client::connect_stream(config, stream, far))
            .await
            .map_err(|_| late(format!("the handshake with {shown}")))??;
        timeout_at(until, auth::authenticate(&mut handle, &user, &self.credentials))
            .await
            .map_err(|_| late(format!("letting `{user}` in")))?
            .map_err(|error| match (error, line.over()) {
                // It says why it has hung up.
                (Error::Lost { .. }, Some(reason)) => reason,
                (error, _) => error,
            })?;
        Ok(Session::new(shown, self.timeout, line, handle, plug))
    }

    fn config(&self, known: Option<&KnownHost>) -> client::Config {
        let ecdsa = |curve| Algorithm::Ecdsa { curve };
        let supported = [
            Algorithm::Ed25519,
            ecdsa(EcdsaCurve::NistP256),
            ecdsa(EcdsaCurve::NistP384),
            ecdsa(EcdsaCurve::NistP521),
        ];
        let key = known.map_or_else(|| supported.to_vec(), |known| known.algorithms(&supported));
        client::Config {
            preferred: Preferred { key: Cow::Owned(key), ..Preferred::default() },
            keepalive_interval: Some(self.keepalive),
            keepalive_max: UNANSWERED,
            ..client::Config::default()
        }
    }
}
