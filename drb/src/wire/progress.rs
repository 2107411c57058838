//! Whether a peer goes on with what it has begun to send.

use drb_core::Limits;
use tokio::time::Instant;

/// While a message has arrived in part, some bytes have to come: not only the next one just before it
/// would be too late.
#[derive(Default)]
pub(super) struct Progress {
    /// Since when there is a message in part, or so many bytes have come last.
    since: Option<Instant>,
    bytes: usize,
}

impl Progress {
    /// So many bytes have come.
    #[inline]
    pub(super) fn read(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// By when more has to have come, if a message is there in part.
    pub(super) fn until(&mut self, partial: bool, limits: &Limits) -> Option<Instant> {
        if !partial {
            self.since = None;
            return None;
        }
        let least = limits.progress.saturating_mul(limits.stall.as_secs().max(1) as usize);
        let since = match self.since {
            Some(since) if self.bytes < least => since,
            _ => {
                self.bytes = 0;
                *self.since.insert(Instant::now())
            }
        };
        Some(since + limits.stall)
    }
}
