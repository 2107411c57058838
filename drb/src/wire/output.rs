//! What is to be written to a connection.

use crate::{net::Stream, wait};
use drb_core::native::{Piece, Protocol};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{io::AsyncWrite, time::Instant};

/// So many bytes are written at once.
const BATCH: usize = 64 << 10;

/// Buffers that a large message has made larger than this are given back.
pub(super) const KEEP: usize = 256 << 10;

/// What the protocol has given out, and was not written yet.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
    /// Bytes of a large string, which come behind them.
    piece: Option<Piece>,
}

impl Output {
    pub(super) fn is_written(&self) -> bool {
        self.written == self.bytes.len()
            && self.piece.as_ref().is_none_or(|piece| piece.rest().is_empty())
    }

    /// Whether nothing was written of what was fetched last.
    pub(super) fn is_unwritten(&self) -> bool {
        self.written == 0 && !self.bytes.is_empty()
    }

    /// Whether what was fetched is all that there was then.
    pub(super) fn was_all(&self) -> bool {
        self.piece.is_none() && self.bytes.len() < BATCH
    }

    /// Fetches what is to be written next, in the place of what was written.
    pub(super) fn fetch(&mut self, protocol: &mut Protocol) {
        self.written = 0;
        wait::clear(&mut self.bytes, KEEP);
        if let Some(piece) = self.piece.take() {
            protocol.sent(piece);
        }
        let now = || Instant::now().into_std();
        self.piece = protocol.transmit(&mut self.bytes, BATCH, now);
    }

    /// Writes once.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = Pin::new(stream);
        let rest = self.bytes.get(self.written..).unwrap_or_default();
        let polled = match &self.piece {
            None => stream.poll_write(context, rest),
            Some(piece) => {
                let parts = [IoSlice::new(rest), IoSlice::new(piece.rest())];
                stream.poll_write_vectored(context, &parts)
            }
        };
        polled.map(|written| match written? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => {
                let before = written.min(rest.len());
                self.written += before;
                if let Some(piece) = &mut self.piece {
                    piece.advance(written - before);
                }
                Ok(())
            }
        })
    }
}
