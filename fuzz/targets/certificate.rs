//! Whatever a peer shows as its certificate: the reader finds names and a key in it, or nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

// It is the crate's own business, and needs nothing else of it.
#[path = "../../drb/src/tls/der.rs"]
#[allow(dead_code, unreachable_pub)]
mod der;

fuzz_target!(|bytes: &[u8]| {
    let Some(parts) = der::Parts::of(bytes) else { return };
    // Names are parts of the certificate, each there once.
    let names = parts.names();
    for (place, name) in names.iter().enumerate() {
        assert!(
            bytes.windows(name.len().max(1)).any(|part| part == name.as_bytes()) || name.is_empty()
        );
        assert!(!names[..place].contains(name), "{name} twice");
    }
    assert!(bytes.windows(parts.key.len().max(1)).any(|part| part == parts.key));
    if let Some((algorithm, bits)) = der::key_parts(parts.key) {
        assert!(algorithm.len() + bits.len() < parts.key.len());
    }
});
