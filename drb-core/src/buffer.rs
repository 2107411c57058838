//! Memory for messages, used again and again.

use std::cell::Cell;

/// Buffers that a large message has made larger than this are given back to the system.
const KEEP: usize = 128 << 10;

thread_local! {
    /// One is enough for a thread, however many calls are under way: the reply to a call is in the
    /// memory of its request, and most often it is loaded right before the next request is written.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An empty buffer.
pub(crate) fn take() -> Vec<u8> {
    let spare = SPARE.try_with(Cell::take).unwrap_or_default();
    // Enough for a small call in one piece.
    if spare.capacity() == 0 { Vec::with_capacity(256) } else { spare }
}

/// A buffer that is no longer needed.
pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() <= KEEP {
        buffer.clear();
        // At the end of its thread it is dropped.
        let _ = SPARE.try_with(|spare| spare.set(buffer));
    }
}

/// Empties a buffer, which gives its memory back if that is much.
pub(crate) fn clear(buffer: &mut Vec<u8>) {
    match buffer.capacity() <= KEEP {
        true => buffer.clear(),
        false => *buffer = Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_unless_it_is_much() {
        let mut buffer = take();
        buffer.extend_from_slice(&[1; 1000]);
        let (memory, capacity) = (buffer.as_ptr(), buffer.capacity());
        give(buffer);
        let again = take();
        assert!(again.is_empty());
        assert_eq!((again.as_ptr(), again.capacity()), (memory, capacity));
        let other = take();
        assert_ne!(other.as_ptr(), memory, "one call has it at a time");
        give(Vec::with_capacity(KEEP + 1));
        assert_eq!(take().capacity(), 256);
        for (much, kept) in [(KEEP, KEEP), (KEEP + 1, 0)] {
            let mut buffer = vec![1; much];
            clear(&mut buffer);
            assert_eq!((buffer.len(), buffer.capacity()), (0, kept));
        }
    }
}
