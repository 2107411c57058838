//! Peers of either wire that write their bytes by hand: they cost next to nothing on this side.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Which wire is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// `druby://`
    Ruby,
    /// `drb://`
    Native,
}

/// `nil`, `"ping"`, 0 arguments, no block; as Ruby's `Marshal.dump` writes them, behind their lengths.
const RUBY_CALL: &[u8] = b"\0\0\0\x03\x04\x080\0\0\0\x0e\x04\x08I\"\x09ping\x06:\x06ET\
    \0\0\0\x04\x04\x08i\0\0\0\0\x03\x04\x080";
/// `true` and `nil`.
const RUBY_ANSWER: &[u8] = b"\0\0\0\x03\x04\x08T\0\0\0\x03\x04\x080";

/// The greeting.
const NATIVE: &[u8] = b"drb\n\0\0\0\x01";
/// A method's name, and a call (number 0) of the front object (target 0, method 0, flags 0, no arguments).
const NATIVE_CALL: &[u8] = b"drb\n\0\0\0\x01\x02\0\0\x04ping\x10\0\0\x05\0\0\0\0\0";
/// The greeting, and a result (of the call 0): `nil`.
const NATIVE_ANSWER: &[u8] = b"drb\n\0\0\0\x01\x11\0\0\x02\0\xc0";

impl Raw {
    /// Where a server that has a URI of Ruby's wire is reached over this one.
    pub fn at(self, uri: &str) -> String {
        match self {
            Self::Ruby => uri.to_owned(),
            Self::Native => uri.replacen("druby:", "drb:", 1).replacen("drbssl:", "drbs:", 1),
        }
    }

    /// Makes a call over a connection and reads its answer.
    pub async fn called<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) -> io::Result<S> {
        let (call, expected) = match self {
            Self::Ruby => (RUBY_CALL, RUBY_ANSWER),
            Self::Native => (NATIVE_CALL, NATIVE_ANSWER),
        };
        stream.write_all(call).await?;
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).await?;
        match answer == expected {
            true => Ok(stream),
            false => Err(io::Error::other(format!("an answer that isn't one: {answer:02x?}"))),
        }
    }

    /// A greeting, and the beginning of a message of which more is to come.
    pub fn begun(self) -> &'static [u8] {
        match self {
            Self::Ruby => b"\0\0\x10\0\x04\x08",
            Self::Native => b"drb\n\0\0\0\x01\x02\0\x01\0",
        }
    }

    /// The call alone, for somebody who has greeted.
    pub fn call(self) -> &'static [u8] {
        match self {
            Self::Ruby => RUBY_CALL,
            Self::Native => NATIVE_CALL.strip_prefix(NATIVE).unwrap_or_default(),
        }
    }
}
