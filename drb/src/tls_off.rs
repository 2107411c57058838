//! In place of TLS, where the feature `tls` is off: there is never any.

use crate::{TlsProblem, net::Stream};
use std::io;

/// What to say where it is asked for.
pub(crate) const OFF: &str = "TLS needs the feature `tls` of the crate drb";

/// How a client speaks TLS.
pub(crate) enum Connecting {}

impl Connecting {
    pub(crate) async fn connect(&self, _: Stream, _: &str) -> io::Result<Stream> {
        match *self {}
    }
}

/// How a server does.
pub(crate) enum Accepting {}

impl Accepting {
    pub(crate) async fn accept(
        &self,
        _: Stream,
        _: Vec<u8>,
    ) -> Result<Stream, (TlsProblem, Option<Stream>)> {
        match *self {}
    }
}
