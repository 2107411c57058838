//! Places as one writes them for SSH: `host:port`, or the path of a Unix socket.

use super::Error;
use drb_core::{Address, Uri};

/// A path begins with `/`.
pub(super) fn parse(place: &str) -> Result<Address, Error> {
    let scheme = if place.starts_with('/') { "drbunix:" } else { "druby://" };
    let bad = |problem| Error::BadPlace { place: place.to_owned(), problem };
    match Uri::parse(&format!("{scheme}{place}")) {
        Ok(Uri { address, option: None, .. }) => Ok(address),
        Ok(_) => Err(bad("it has no `?`; write host:port, or the path of a Unix socket")),
        Err(crate::Error::BadUri { problem, .. }) => Err(bad(problem)),
        Err(_) => Err(bad("write host:port, or the path of a Unix socket")),
    }
}

/// As it was written.
pub(super) fn show(address: &Address) -> String {
    let uri = address.to_string();
    let place = uri.strip_prefix("druby://").or_else(|| uri.strip_prefix("drbunix:"));
    place.unwrap_or(&uri).to_owned()
}
