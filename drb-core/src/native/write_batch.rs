//! A batch of a stream's items, whose length is known behind them; and items that may fail.

use super::Writer;
use crate::{DumpError, stream::Next};

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

    /// Forgets what was written of a batch's item behind so many bytes and references. (The reader may
    /// know more shapes than it needs.)
    pub(crate) fn back_to(&mut self, len: usize, references: usize) {
        self.cut(len);
        // A batch is within nothing else.
        self.back_to_depth(1);
        (self.references, self.cyclic) = (references, false);
    }

    pub(crate) fn references(&self) -> usize {
        self.references
    }
}
