//! Frames of the native wire, written by hand after `docs/native.md`.

pub(crate) const NAME: u8 = 0x02;
pub(crate) const CALL: u8 = 0x10;
pub(crate) const CANCEL: u8 = 0x14;

pub(crate) fn frame(byte: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame[0] = byte;
    frame.extend_from_slice(body);
    frame
}
