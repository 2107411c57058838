//! What the code that `#[derive(DrbDumped)]` makes shares.

use crate::{Kind, LoadError, Loader, error::LoadErrorKind};
use std::borrow::Cow;

/// What stands for a field that did not arrive, or the error that it is missing.
///
/// # Errors
/// [`LoadErrorKind::MissingField`] if nothing stands for it.
pub fn missing<T>(
    class: &'static str,
    field: &'static str,
    absent: Option<T>,
) -> Result<T, LoadError> {
    absent.ok_or_else(|| LoadErrorKind::MissingField { field, class }.into())
}

/// Checks the length of an array that stands for a tuple, or for a variant with its symbol.
///
/// # Errors
/// The length is another one.
pub fn check_len(name: &'static str, expected: usize, len: usize) -> Result<(), LoadError> {
    if len == expected {
        return Ok(());
    }
    Err(LoadError::custom(format!("`{name}` takes {expected} elements, got {len}")))
}

/// Begins a variant of an enum: a symbol, or an array that begins with one. Gives the symbol, the
/// number of elements, and whether an array is to be ended.
///
/// # Errors
/// Something else is there.
pub fn variant<'de>(loader: &mut Loader<'de>) -> Result<(Cow<'de, str>, usize, bool), LoadError> {
    match loader.kind()? {
        Kind::Array => match loader.array()? {
            0 => Err(LoadError::custom("expected a symbol and what belongs to it, got []")),
            len => Ok((loader.symbol()?, len, true)),
        },
        _ => Ok((loader.symbol()?, 1, false)),
    }
}

/// The error that the enum has no such variant.
pub fn unknown_variant(class: &'static str, variant: Cow<'_, str>) -> LoadError {
    LoadErrorKind::UnknownVariant { variant: variant.into_owned(), class }.into()
}
