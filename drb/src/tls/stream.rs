//! A connection within TLS.

use super::{der, fingerprint, problem};
use crate::{
    Identity, TlsIdentity,
    net::{Brought, Ends, Stream},
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsStream;

/// A connection of which something has been read already.
pub(super) struct Rewound {
    pub(super) first: Vec<u8>,
    pub(super) stream: Stream,
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = self.first.len().min(buffer.remaining());
        buffer.put_slice(self.first.get(..count).unwrap_or_default());
        self.first.drain(..count);
        if self.first.is_empty() {
            self.first = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What is said within TLS.
struct Secured(TlsStream<Rewound>);

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Over TLS 1.3 it is only here that a client is told that it isn't let in.
        let read = ready!(Pin::new(&mut self.0).poll_read(context, buffer));
        Poll::Ready(read.map_err(|error| match problem::late(&error) {
            Some(problem) => io::Error::new(io::ErrorKind::PermissionDenied, problem),
            None => error,
        }))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Where the handshake has led to. `named` says whether the names in the peer's certificate are its own, as
/// far as this side trusts anybody to say so.
pub(super) fn secured(stream: TlsStream<Rewound>, named: bool) -> Stream {
    let (inner, tls) = stream.get_ref();
    let (peer, ends) = (inner.stream.peer(), Ends::of(&inner.stream));
    let certificate = tls.peer_certificates().and_then(<[_]>::first);
    let identity = certificate.map_or(Identity::Anonymous, |certificate| {
        let names = der::Parts::of(certificate).filter(|_| named).map(|parts| parts.names());
        Identity::Tls(TlsIdentity::new(names.unwrap_or_default(), fingerprint(certificate)))
    });
    let stream = Box::new(Secured(stream));
    Brought { stream, peer, identity, ends, _counted: None }.into()
}
