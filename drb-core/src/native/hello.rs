//! What a side can beyond what every side can, as it says in its first frame.

use super::frame::{malformed, take};
use crate::LoadError;

/// Reads it: features by their numbers, each once and in order, with some bytes. What isn't known is
/// skipped, and nothing is known so far: so both sides speak what they have spoken before.
pub(super) fn read(mut body: &[u8]) -> Result<(), LoadError> {
    let mut before = None;
    while !body.is_empty() {
        let feature = take(&mut body)?;
        if before.replace(feature).is_some_and(|before| before >= feature) {
            return Err(malformed("features that are not in order"));
        }
        let len = usize::try_from(take(&mut body)?).unwrap_or(usize::MAX);
        let (_, rest) = body.split_at_checked(len).ok_or_else(LoadError::truncated)?;
        body = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_skipped() {
        for hello in [&b""[..], b"\x01\0", b"\x01\x03abc\x02\0\xff\x7f\x01x"] {
            assert_eq!(read(hello), Ok(()), "{hello:x?}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let twice = &b"\x01\0\x01\0"[..];
        for hello in [twice, b"\x02\0\x01\0", b"\x01", b"\x01\x02a", b"\xff", b"\x01\xff\xff\xff"] {
            assert!(read(hello).is_err(), "{hello:x?}");
        }
    }
}
