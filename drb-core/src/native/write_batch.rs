//! A batch of a stream's items, whose length is known behind them; and items that may fail.

use super::Writer;
use crate::{DumpError, stream::Next};

/// Where writing stood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) len: usize,
    depth: usize,
    pub(crate) references: usize,
}

impl Writer<'_> {
    /// Begins an array with a place for its length and its first element.
    pub(crate) fn begin_batch(&mut self) -> Result<usize, DumpError> {
        let at = self.out.len();
        self.out.extend_from_slice(&[0xdd, 0, 0, 0, 0, 0xc3]);
        self.descend()?;
        Ok(at)
    }

    pub(crate) fn end_batch(&mut self, at: usize, len: usize, next: Next) {
        let next = match next {
            Next::More => 0xc3,
            Next::End => 0xc2,
            Next::Raised => 0xc0,
        };
        let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(head) = self.out.get_mut(at..at + 6) {
            head.copy_from_slice(&[0xdd, a, b, c, d, next]);
        }
        self.end();
    }

    /// Where writing stands. What is written next can be forgotten by itself.
    pub(crate) fn place(&mut self) -> Place {
        self.fetch();
        Place { len: self.out.len(), depth: self.depth, references: self.references }
    }

    /// Forgets what was written since. (The reader may know more shapes than it needs.)
    pub(crate) fn back_to(&mut self, place: Place) {
        self.cut(place.len);
        (self.depth, self.references, self.cyclic) = (place.depth, place.references, false);
    }

    pub(crate) fn references(&self) -> usize {
        self.references
    }
}
