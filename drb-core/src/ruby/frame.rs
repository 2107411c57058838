//! A frame: a length of four bytes, most significant first, and one whole Marshal stream.

use crate::{DumpError, Dumper, Limits, Session};

/// Writes one frame to the end of `out`.
///
/// # Errors
/// What `dump` says, or a frame that is longer than [`Limits::frame`].
pub fn write(
    out: &mut Vec<u8>,
    limits: &Limits,
    session: Option<&dyn Session>,
    dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
) -> Result<(), DumpError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut dumper = Dumper::marshal(out, limits, session);
    dump(&mut dumper)?;
    dumper.finish()?;
    let len = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(head) = out.get_mut(start..start + 4) {
        head.copy_from_slice(&len.to_be_bytes());
    }
    Ok(())
}
