//! A frame: a length of four bytes, most significant first, and one whole Marshal stream.

use crate::{DumpError, Dumper, Limits, Session};

/// Writes one frame to the end of `out`.
///
/// # Errors
/// What `dump` says, or a frame that is longer than [`Limits::message`].
pub fn write(
    out: &mut Vec<u8>,
    limits: &Limits,
    session: Option<&dyn Session>,
    dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let start = open(out);
    let mut dumper = Dumper::marshal(out, limits, session);
    dump(&mut dumper)?;
    dumper.finish()?;
    close(out, start);
    Ok(())
}

/// Writes one frame with `nil`. Together with [`int_frame`] it writes what every request consists of,
/// without what it takes to write any value.
pub(super) fn nil_frame(out: &mut Vec<u8>) {
    raw(out, b"\x04\x080");
}

/// Writes one frame with a small integer.
pub(super) fn int_frame(out: &mut Vec<u8>, n: u32) {
    let start = open(out);
    out.extend_from_slice(b"\x04\x08i");
    int(out, n);
    close(out, start);
}

/// Writes one frame around a stream that is there already.
pub(super) fn raw(out: &mut Vec<u8>, stream: &[u8]) {
    let start = open(out);
    out.extend_from_slice(stream);
    close(out, start);
}

/// Leaves room for the length.
pub(super) fn open(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    start
}

/// Fills in the length of the frame that was opened at `start`.
pub(super) fn close(out: &mut [u8], start: usize) {
    let len = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(head) = out.get_mut(start..start + 4) {
        head.copy_from_slice(&len.to_be_bytes());
    }
}

/// A length in the form of Marshal's small integers.
pub(super) fn int(out: &mut Vec<u8>, n: u32) {
    match u8::try_from(n) {
        Ok(0) => out.push(0),
        Ok(small @ 1..=122) => out.push(small + 5),
        _ => {
            let bytes = n.to_le_bytes();
            let len = 4 - n.leading_zeros() as usize / 8;
            out.push(len as u8);
            out.extend_from_slice(bytes.get(..len).unwrap_or_default());
        }
    }
}
