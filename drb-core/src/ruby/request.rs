//! A request: the reference, the method's name, the number of arguments, the arguments, the block.

use crate::{DumpError, Limits, Reference, ruby::frame};

/// Writes what comes before the arguments.
///
/// # Errors
/// See [`DumpError`].
pub fn begin(
    out: &mut Vec<u8>,
    reference: &Reference,
    method: &str,
    count: usize,
    limits: &Limits,
) -> Result<(), DumpError> {
    let _ = (out, reference, method, count, limits);
    todo!()
}

/// Writes what comes after the arguments.
///
/// # Errors
/// See [`DumpError`].
pub fn end(out: &mut Vec<u8>, limits: &Limits) -> Result<(), DumpError> {
    frame::write(out, limits, None, |dumper| dumper.nil())
}
