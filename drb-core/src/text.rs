//! Texts from a peer, which are UTF-8 only once that was checked.

/// How many bytes of a text are checked in one go.
const SHORT: usize = 32;

/// Where std checks bytes of ASCII fast: two words at once, if they are aligned. It looks at those that are left
/// over one by one, and most of a short text would be that.
#[repr(align(16))]
struct Aligned([u8; SHORT]);

/// Masks of any number of bytes that are kept before any number that aren't.
static KEPT: [u8; 2 * SHORT] = {
    let mut masks = [0; 2 * SHORT];
    let mut at = 0;
    while at < SHORT {
        masks[at] = 0xff;
        at += 1;
    }
    masks
};

/// The text of `len` bytes that `bytes` begin with; `None` if they aren't UTF-8, or not so many.
///
/// A short one is cheap to check where more bytes follow it, whatever they are: zeros take their place.
#[inline]
pub(crate) fn leading(bytes: &[u8], len: usize) -> Option<String> {
    if let (Some(chunk), Some(mask)) = (bytes.first_chunk::<SHORT>(), mask(len)) {
        let mut padded = Aligned(*chunk);
        padded.0.iter_mut().zip(mask).for_each(|(byte, mask)| *byte &= mask);
        let text = std::str::from_utf8(&padded.0).ok()?;
        return text.get(..len).map(str::to_owned);
    }
    std::str::from_utf8(bytes.get(..len)?).ok().map(str::to_owned)
}

/// What keeps the first `len` bytes, if a short text has so many.
#[inline]
fn mask(len: usize) -> Option<&'static [u8; SHORT]> {
    KEPT.get(SHORT.checked_sub(len)?..)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What std says of the same bytes.
    fn expected(bytes: &[u8], len: usize) -> Option<String> {
        String::from_utf8(bytes.get(..len)?.to_vec()).ok()
    }

    #[test]
    fn a_text_is_what_std_finds_whatever_follows_it() {
        for text in ["", "a", "record-000001", "täg", "ä", "日本語", "a\0b", "🦀🦀🦀🦀🦀🦀🦀🦀🦀"]
        {
            for len in 0..=text.len() {
                for follows in
                    [&b""[..], &[0; 40], &[0x80; 40], &[0xff; 40], "é".repeat(20).as_bytes()]
                {
                    let mut bytes = text.as_bytes()[..len].to_vec();
                    bytes.extend_from_slice(follows);
                    assert_eq!(
                        leading(&bytes, len),
                        expected(&bytes, len),
                        "{text} {len} {follows:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn each_length_and_each_byte_is_checked() {
        for len in 0..=80 {
            for extra in [0, 1, 31, 32, 64] {
                let mut bytes = vec![b'x'; len + extra];
                assert_eq!(leading(&bytes, len).map(|text| text.len()), Some(len));
                for at in 0..len {
                    bytes[at] = 0x80;
                    assert_eq!(leading(&bytes, len), None, "{len} {extra} {at}");
                    bytes[at] = b'x';
                }
                assert_eq!(leading(&bytes, len + extra + 1), None);
            }
        }
        assert_eq!(leading(b"x", usize::MAX), None);
    }
}
