//! What the first bytes of a connection say.

use crate::Wire;
use drb_core::native::PREAMBLE;

/// The wire of which a client has sent the greeting, or something that nobody understands. `None` as long
/// as more of it is to come.
pub(crate) fn spoken(bytes: &[u8]) -> Option<Wire> {
    /// The length of what comes first in a request.
    const RUBY: usize = 4;
    match bytes.first() {
        Some(first) if Some(first) == PREAMBLE.first() => {
            let is_whole = bytes.len() >= PREAMBLE.len() || !PREAMBLE.starts_with(bytes);
            is_whole.then_some(Wire::Native)
        }
        _ => (bytes.len() >= RUBY).then_some(Wire::Ruby),
    }
}

/// Whether these are the first bytes of a peer that speaks TLS.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    // An alert, or a handshake; and the version, of which the first part has always been the same.
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// The first byte of a connection to a server of drbfire that carries calls to it.
pub(crate) const CALLS: u8 = b'1';

/// The first byte of one that carries calls to a client, before its number.
pub(crate) const CALLS_BACK: u8 = b'2';

/// The first byte of a control connection of drbfire. Whoever opens one waits for a number, and takes whatever it is
/// told for that.
pub(crate) const CONTROL: u8 = b'3';

/// Whether these are the first bytes of a peer that speaks drbfire.
pub(crate) fn is_fire(bytes: &[u8]) -> bool {
    matches!(bytes, [CALLS | CALLS_BACK | CONTROL, ..])
}
