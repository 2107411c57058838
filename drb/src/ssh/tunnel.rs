//! Tunnels for programs that know nothing of SSH.

use super::{Channel, Error, Listener, Session, place};
use crate::{
    Server,
    net::{self, Place},
    unix_socket::FileOptions,
};
use drb_core::Address;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// So many connections go through one tunnel at a time; further ones wait.
const CONNECTIONS: usize = 1024;

/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// A tunnel through an SSH connection, as `ssh -L` or `ssh -R` digs it. Dropping it closes it, and the
/// connections in it.
///
/// ```no_run
/// use drb::ssh::{Session, Tunnel};
///
/// # async fn example() -> Result<(), drb::ssh::Error> {
/// // ssh -L 9000:localhost:9000 -R 9001:localhost:9001 deploy@far.example
/// let session = Session::builder().connect("deploy@far.example").await?;
/// let there = Tunnel::local(&session, "127.0.0.1:9000", "localhost:9000").await?;
/// let back = Tunnel::remote(&session, "localhost:9001", "127.0.0.1:9001").await?;
/// # Ok(())
/// # }
/// ```
///
/// With Ruby's wire the numbers have to be the same on both sides of a tunnel, since references carry them.
/// Programs that use drb need less: see [`ClientBuilder::through`](crate::ClientBuilder::through) and
/// [`Listener::serve`].
#[derive(Debug)]
pub struct Tunnel {
    session: Session,
    address: Address,
    failure: Arc<Failure>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Failure(Mutex<Option<Error>>);

impl Failure {
    fn set(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

impl Tunnel {
    /// Listens here, and has the SSH server connect to `to`, as seen from there: `ssh -L`. Both are `host:port`,
    /// or the path of a Unix socket. Port 0 is any free one; without a host it is all addresses of this
    /// machine, which lets everybody use the tunnel.
    ///
    /// # Errors
    /// [`Error::Listen`], [`Error::BadPlace`]. That the server doesn't connect to `to` is known when somebody
    /// uses the tunnel: see [`Self::failure`].
    pub async fn local(session: &Session, listen: &str, to: &str) -> Result<Self, Error> {
        let (asked, to) = (place::parse(listen)?, place::parse(to)?);
        let failed = |error: io::Error| {
            let (at, problem) = (listen.to_owned(), error.to_string());
            Error::Listen { at, problem }
        };
        let found = Place::find(&asked).await.map_err(failed)?;
        let listener = found.listen(&FileOptions::default()).await.map_err(failed)?;
        let address = listener.address(&asked).map_err(failed)?;
        Ok(Self::new(session, address, |session, failure| async move {
            let ended = session.line().ended();
            tokio::select! {
                reason = ended => failure.set(reason),
                () = carry_there(listener, &session, to, &failure) => {}
            }
        }))
    }

    /// Has the SSH server listen at `listen`, as seen from there, and connects to `to` here: `ssh -R`.
    ///
    /// # Errors
    /// Those of [`Session::listen`]. That nobody listens at `to` is known when somebody uses the tunnel:
    /// see [`Self::failure`].
    pub async fn remote(session: &Session, listen: &str, to: &str) -> Result<Self, Error> {
        let to = place::parse(to)?;
        let listener = session.listen(listen).await?;
        let address = listener.address().clone();
        Ok(Self::new(session, address, |_, failure| carry_back(listener, to, failure)))
    }

    pub(super) fn to_server(mut listener: Listener, server: Server) -> Self {
        let address = listener.address().clone();
        let session = listener.session().clone();
        Self::new(&session, address, |_, failure| async move {
            loop {
                match listener.accept().await {
                    Ok((channel, peer)) => {
                        if server.serve_stream(channel, peer).await.is_err() {
                            return;
                        }
                    }
                    Err(reason) => return failure.set(reason),
                }
            }
        })
    }

    fn new<F: Future<Output = ()> + Send + 'static>(
        session: &Session,
        address: Address,
        run: impl FnOnce(Session, Arc<Failure>) -> F,
    ) -> Self {
        let failure = Arc::new(Failure::default());
        let running = run(session.clone(), Arc::clone(&failure));
        let task = session.runtime().spawn(running);
        Self { session: session.clone(), address, failure, task }
    }

    /// Where it listens: here or there.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The same as a URI of Ruby's wire.
    pub fn uri(&self) -> String {
        self.address.to_string()
    }

    /// The session that it goes through.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Why the last connection that failed couldn't be carried, or why the tunnel has ended.
    pub fn failure(&self) -> Option<Error> {
        self.failure.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes it, and waits until nobody listens any more on this side.
    pub async fn close(mut self) {
        self.task.abort();
        // It was aborted, or has ended before.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry_there(
    listener: net::Listener,
    session: &Session,
    to: Address,
    failure: &Arc<Failure>,
) {
    let mut carried = JoinSet::new();
    loop {
        room(&mut carried).await;
        match listener.accept().await {
            Ok(stream) => {
                let (session, to, failure) = (session.clone(), to.clone(), Arc::clone(failure));
                carried.spawn(async move {
                    match session.open(to).await {
                        Ok(channel) => copy(stream, channel).await,
                        Err(error) => failure.set(error),
                    }
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn carry_back(mut listener: Listener, to: Address, failure: Arc<Failure>) {
    let mut carried = JoinSet::new();
    loop {
        room(&mut carried).await;
        match listener.accept().await {
            Ok((channel, _)) => {
                let (to, failure) = (to.clone(), Arc::clone(&failure));
                carried.spawn(async move {
                    match net::Stream::connect(&to).await {
                        Ok(stream) => copy(stream, channel).await,
                        Err(error) => {
                            let (host, problem) = (place::show(&to), error.to_string());
                            failure.set(Error::Unreachable { to: host, problem });
                        }
                    }
                });
            }
            Err(reason) => return failure.set(reason),
        }
    }
}

/// Forgets those that have ended, and waits until there is room for another one.
async fn room(carried: &mut JoinSet<()>) {
    while carried.try_join_next().is_some() {}
    while carried.len() >= CONNECTIONS {
        carried.join_next().await;
    }
}

/// Until both sides have ended, or one has failed.
async fn copy(mut near: impl AsyncRead + AsyncWrite + Unpin, mut far: Channel) {
    // Whoever uses the connection sees that it has ended.
    let _ = copy_bidirectional(&mut near, &mut far).await;
}
