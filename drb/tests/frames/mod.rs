//! The frames of the native wire, for peers that are written by hand.

#![allow(dead_code, reason = "some tests only write them, and some only read them")]

use tokio::io::{AsyncRead, AsyncReadExt};

/// A frame: its first byte, and what is in it.
pub(crate) fn frame(byte: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame[0] = byte;
    frame.extend_from_slice(body);
    frame
}

/// The next frame: its first byte, and what is in it.
pub(crate) async fn next_frame(stream: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    let mut body = vec![0; u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize];
    stream.read_exact(&mut body).await.unwrap();
    (head[0], body)
}
