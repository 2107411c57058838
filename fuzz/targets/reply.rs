//! Whatever a server sends: a client finds the same reply in it whatever pieces it comes in, and
//! makes a result or an error of it.
#![no_main]

use drb_core::{Error, Limits, Response, Value, ruby::ReplyReader};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|input: &[u8]| {
    let Some((&step, bytes)) = input.split_first() else { return };
    let limits = Limits { frame: 1 << 16, ..Limits::default() };
    let whole = ReplyReader::new(&limits).advance(bytes);
    let mut reader = ReplyReader::new(&limits);
    let mut arrived = 0;
    let in_pieces = loop {
        match reader.advance(&bytes[..arrived]) {
            Ok(None) if arrived < bytes.len() => {
                assert!(reader.needs() > arrived, "it waits for what is there");
                arrived = (arrived + usize::from(step % 16) + 1).min(bytes.len());
            }
            end => break end,
        }
    };
    assert_eq!(whole, in_pieces);
    let Ok(Some(head)) = whole else { return };
    let bytes = bytes.to_vec();
    let limits = Arc::new(limits);
    let mut response = Response::ruby(bytes, head, limits, None);
    if let Ok(Err(exception)) = response.load::<Value>() {
        let error = Error::from_exception(exception);
        assert!(!error.to_string().is_empty());
        error.outcome();
    }
});
