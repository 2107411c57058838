//! Memory for what has arrived in part, of which all connections of a server have one share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// So many bytes the connections of a server may hold together
/// ([`Limits::buffered`](crate::Limits::buffered)).
///
/// ```
/// use drb_core::native::Buffered;
///
/// let buffered = Buffered::new(1000);
/// assert!(buffered.change(0, 1000));
/// assert!(!buffered.change(0, 1), "there is no room");
/// assert!(buffered.change(1000, 10));
/// assert!(buffered.change(0, 990));
/// ```
#[derive(Debug)]
pub struct Buffered {
    used: AtomicUsize,
    most: usize,
}

impl Buffered {
    /// Room for so many bytes.
    pub fn new(most: usize) -> Self {
        Self { used: AtomicUsize::new(0), most }
    }

    /// Takes a change in what one connection holds, if there is room for it.
    pub fn change(&self, before: usize, after: usize) -> bool {
        if after <= before {
            self.used.fetch_sub(before - after, Ordering::Relaxed);
            return true;
        }
        let more = after - before;
        let fits = self.used.fetch_add(more, Ordering::Relaxed).saturating_add(more) <= self.most;
        if !fits {
            self.used.fetch_sub(more, Ordering::Relaxed);
        }
        fits
    }
}

/// So many bytes of each connection are not counted.
const FREE: usize = 64 << 10;

/// What one connection holds of it.
#[derive(Default)]
pub(super) struct Share {
    of: Option<Arc<Buffered>>,
    held: usize,
}

impl Share {
    pub(super) fn of(buffered: Arc<Buffered>) -> Self {
        Self { of: Some(buffered), held: 0 }
    }

    /// The connection holds so many bytes, if there is room for them.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let Some(of) = &self.of else { return true };
        let bytes = bytes.saturating_sub(FREE);
        let fits = of.change(self.held, bytes);
        if fits {
            self.held = bytes;
        }
        fits
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}
