//! A batch of a stream's items, whose length is known behind them.

use super::Writer;
use crate::{DumpError, stream::Next};

/// An array with a length of four bytes.
const HEAD: [u8; 2] = [b'[', 4];

impl Writer<'_> {
    /// Begins an array with a place for its length and its first element.
    pub(crate) fn begin_batch(&mut self) -> Result<usize, DumpError> {
        let at = self.out.len();
        self.objects += 1;
        self.out.extend_from_slice(&HEAD);
        self.out.extend_from_slice(&[0, 0, 0, 0, b'T']);
        self.descend()?;
        Ok(at)
    }

    pub(crate) fn end_batch(&mut self, at: usize, len: usize, next: Next) {
        let next = match next {
            Next::More => b'T',
            Next::End => b'F',
            Next::Raised => b'0',
        };
        let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(head) = self.out.get_mut(at + HEAD.len()..at + HEAD.len() + 5) {
            head.copy_from_slice(&[a, b, c, d, next]);
        }
        self.end();
    }

    pub(crate) fn written(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn references(&self) -> usize {
        self.references
    }
}
