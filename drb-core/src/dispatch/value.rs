//! What the code that `#[derive(DrbDumped)]` and `#[derive(DrbError)]` make shares.

use crate::{Exception, Fields, Kind, LoadError, Loader, Shape, error::LoadErrorKind};
use std::borrow::Cow;

/// What stands for a field that did not arrive, or the error that it is missing.
///
/// # Errors
/// [`LoadErrorKind::MissingField`] if nothing stands for it.
pub fn missing<T>(
    shape: &'static Shape,
    fields: Option<&Fields>,
    field: &'static str,
    absent: Option<T>,
) -> Result<T, LoadError> {
    absent.ok_or_else(|| {
        let error = LoadError::from(LoadErrorKind::MissingField { field, class: shape.class });
        error.between(fields.and_then(|fields| fields.apart(shape)))
    })
}

/// Calls what is large and rare, and keeps it out of what calls it.
#[inline(never)]
pub fn apart<T>(call: impl FnOnce() -> T) -> T {
    call()
}

/// Adds to a vector, which mostly has room. That is asked where nothing else can happen meanwhile: then the parts of
/// what is added go straight to their places.
#[inline(always)]
pub fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() < items.capacity() {
        items.push(item);
    } else {
        apart(|| items.push(item));
    }
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

/// Whether the exception is one of [`Exception::remote`] with this reason.
pub fn is_remote(exception: &Exception, reason: &str) -> bool {
    exception.class == "DRb::DRbRemoteError"
        && exception
            .field("reason")
            .is_some_and(|value| value.to::<String>().is_ok_and(|own| own == reason))
}

/// The message that was given to [`Exception::remote`].
pub fn remote_message(exception: &Exception, reason: &str) -> String {
    let message = exception.message.as_str();
    let end = format!(" ({reason})");
    message.strip_suffix(end.as_str()).unwrap_or(message).to_owned()
}
