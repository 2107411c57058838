//! Why there is no way to a client.

use std::io::{self, ErrorKind};

/// Why a client cannot be called, or nobody can be called back, with drbfire.
///
/// Where a call fails because of one, it is the source of the [`drb::Error`](crate::Error);
/// [`Error::of`] finds it there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No client with this number is connected to a server of this process: it has gone, or the reference is one
    /// to a client of another process, which only that one reaches.
    #[error("no client of drbfire with the number `{number}` is connected to this process")]
    NotConnected {
        /// What the reference says.
        number: String,
    },
    /// The client has gone while a connection from it was waited for; or the server stops, and takes no more
    /// connections.
    #[error("the control connection of the client has been closed")]
    Gone,
    /// The server has closed the control connection instead of giving a number: it may speak no drbfire, or not let
    /// this process in.
    #[error("the server has closed the connection before giving a number; is it one of drbfire?")]
    NoNumber,
}

impl Error {
    /// The error of drbfire because of which a call has failed, or a server hasn't started, if it was one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let gone = drb::Reference::new("drbfire://localhost:9000?7", drb::ObjectId::Front);
    /// let object: drb::Object = drb::Proxy::from_remote(drb::Client::new().remote(gone));
    /// let error = object.call::<drb::Value>("size", ()).await.unwrap_err();
    /// let number = "7".to_owned();
    /// assert_eq!(drb::fire::Error::of(&error), Some(&drb::fire::Error::NotConnected { number }));
    /// # }
    /// ```
    pub fn of(error: &crate::Error) -> Option<&Self> {
        crate::transport::cause(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::NotConnected { .. } => ErrorKind::NotConnected,
            Error::Gone | Error::NoNumber => ErrorKind::UnexpectedEof,
        };
        Self::new(kind, error)
    }
}
