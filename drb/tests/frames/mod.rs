//! The frames of the native wire, for peers that are written by hand.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The next frame: its first byte, and what is in it.
pub(crate) async fn next_frame(stream: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    let mut body = vec![0; u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize];
    stream.read_exact(&mut body).await.unwrap();
    (head[0], body)
}
