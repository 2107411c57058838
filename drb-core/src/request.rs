//! What is asked of another process, on its way there.

use crate::{DumpError, Error, Link, Outcome, Session, native};
use std::{
    cell::Cell,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// A call in the form of its wire.
#[derive(Default)]
#[non_exhaustive]
pub struct Request {
    /// The way there, until the call is made.
    pub(crate) link: Option<Arc<dyn Link>>,
    /// The whole message.
    pub bytes: Vec<u8>,
    /// How long it may take from now to the result; `None` for as long as it likes.
    pub deadline: Option<Duration>,
    /// When it has to have its result whatever its deadline is: when nobody waits any more for the
    /// call that is being served where it is made.
    pub until: Option<Instant>,
    /// What references in it go through.
    pub session: Option<Arc<dyn Session>>,
    /// What the native wire says beside the bytes, which are then the arguments alone.
    pub native: Option<native::Asking>,
    /// Why it cannot be made.
    pub(crate) error: Option<DumpError>,
}

thread_local! {
    /// Memory for the next request: each is made where it stays, and its pieces are taken out of it.
    static MADE: Cell<Option<Box<Request>>> = const { Cell::new(None) };
}

impl Request {
    /// An empty one, in the memory of one that was made before.
    pub(crate) fn begin() -> Box<Self> {
        MADE.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }

    /// It was made, and whatever is left of it is of no use.
    pub(crate) fn end(mut self: Box<Self>) {
        // If it couldn't be made, they are still there.
        self.bytes = Vec::new();
        self.session = None;
        self.native = None;
        // At the end of its thread it is dropped.
        let _ = MADE.try_with(|made| made.set(Some(self)));
    }

    /// All of it, for what keeps it.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// How long it may take from `now` on: its deadline, or what is left of that of the call in which
    /// it is made; `None` for as long as it likes.
    ///
    /// # Errors
    /// [`Error::DeadlineExceeded`]: nothing is left, so it is not made.
    pub fn time_left(&self, now: Instant) -> Result<Option<Duration>, Error> {
        let Some(until) = self.until else { return Ok(self.deadline) };
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            let (after, outcome) = (Duration::ZERO, Outcome::NotExecuted);
            return Err(Error::DeadlineExceeded { after, outcome });
        }
        Ok(Some(self.deadline.map_or(left, |deadline| deadline.min(left))))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deadline, native, .. } = self;
        f.debug_struct("Request")
            .field("deadline", deadline)
            .field("native", native)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjectId, native::Method};

    #[test]
    fn the_next_request_has_the_memory_of_the_last_one_and_nothing_else() {
        let mut request = Request::begin();
        let place = std::ptr::from_ref(&*request);
        // It couldn't be made.
        request.bytes = vec![0; 1 << 20];
        let asking = native::Asking::new(ObjectId::Front, Method::Named("method".into()), 0);
        request.native = Some(asking);
        request.end();
        let next = Request::begin();
        assert_eq!(std::ptr::from_ref(&*next), place);
        assert!(next.bytes.capacity() == 0 && next.native.is_none() && next.session.is_none());
    }
}
