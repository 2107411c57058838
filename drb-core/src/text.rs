//! Texts from a peer, which are UTF-8 only once that was checked.

/// How many bytes of a text are checked in one go.
const SHORT: usize = 32;

/// Where std checks bytes of ASCII fast: two words at once, if they are aligned. It looks at those that are left
/// over one by one, and most of a short text would be that.
#[repr(align(16))]
struct Aligned<const N: usize>([u8; N]);

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

/// The text of `len` bytes that `bytes` begin with, if it is short, more bytes follow it, and it is UTF-8.
///
/// It is cheap to check, whatever follows: zeros take the place of that.
#[inline(always)]
pub(crate) fn short(bytes: &[u8], len: usize) -> Option<Box<str>> {
    if len <= SHORT / 2 {
        return within::<{ SHORT / 2 }>(bytes, len);
    }
    within::<SHORT>(bytes, len)
}

#[inline(always)]
fn within<const N: usize>(bytes: &[u8], len: usize) -> Option<Box<str>> {
    let mut padded = Aligned::<N>(*bytes.first_chunk()?);
    let mask = KEPT.get(SHORT.checked_sub(len)?..)?.first_chunk::<N>()?;
    padded.0.iter_mut().zip(mask).for_each(|(byte, mask)| *byte &= mask);
    std::str::from_utf8(&padded.0).ok()?.get(..len).map(Box::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What std says of the same bytes, where they are short and enough others follow.
    fn expected(bytes: &[u8], len: usize) -> Option<Box<str>> {
        let checked = if len <= 16 { 16 } else { 32 };
        let text = bytes.get(..len).filter(|_| len <= checked && bytes.len() >= checked)?;
        std::str::from_utf8(text).ok().map(Box::from)
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
                    let found = short(&bytes, len);
                    assert_eq!(found, expected(&bytes, len), "{text} {len} {follows:?}");
                }
            }
        }
    }

    #[test]
    fn each_length_and_each_byte_is_checked() {
        let mut found = 0;
        for len in 0..=80 {
            for extra in [0, 1, 15, 16, 31, 32, 64] {
                let mut bytes = vec![b'x'; len + extra];
                assert_eq!(short(&bytes, len), expected(&bytes, len), "{len} {extra}");
                found += usize::from(short(&bytes, len).is_some());
                for at in 0..len {
                    bytes[at] = 0x80;
                    assert_eq!(short(&bytes, len), None, "{len} {extra} {at}");
                    bytes[at] = b'x';
                }
                assert_eq!(short(&bytes, len + extra + 1), None);
            }
        }
        assert!(found > 100, "{found}");
        assert_eq!(short(&[b'x'; 40], usize::MAX), None);
    }
}
