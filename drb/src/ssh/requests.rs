//! What a session asks of its server.

use super::{Channel, Error, Listener, Refusal, Session, far::Place, place};
use drb_core::Address;
use russh::ChannelOpenFailure;
use tokio::time::timeout;

impl Session {
    /// Opens a connection from the SSH server to an address, as it is seen from there: over TCP, or to a Unix
    /// socket, which the SSH server opens as the user who is logged in.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server doesn't, [`Error::TimedOut`], or the reason why the session is over.
    pub async fn open(&self, to: Address) -> Result<Channel, Error> {
        let during = format!("opening a connection to {}", place::show(&to));
        let session = self.clone();
        self.request(during, async move { session.open_now(&to).await }).await
    }

    async fn open_now(&self, to: &Address) -> Result<Channel, Error> {
        let opened = match to {
            Address::Tcp { host, port } => {
                let host = if host.is_empty() { "localhost" } else { host };
                let port = u32::from(*port);
                self.handle()?.channel_open_direct_tcpip(host, port, "127.0.0.1", 0).await
            }
            Address::Unix { path } => {
                let path = path.to_string_lossy();
                self.handle()?.channel_open_direct_streamlocal(path).await
            }
            _ => {
                let problem = "over SSH it is host:port, or the path of a Unix socket";
                return Err(Error::BadPlace { place: to.to_string(), problem });
            }
        };
        match opened {
            Ok(channel) => {
                let id = channel.id();
                Ok(Channel::new(channel.into_stream(), id, self.clone()))
            }
            Err(russh::Error::ChannelOpenFailure(failure)) => {
                let problem = match failure {
                    ChannelOpenFailure::AdministrativelyProhibited => Refusal::NotAllowed,
                    ChannelOpenFailure::ConnectFailed => Refusal::Unreachable,
                    other => Refusal::Other(format!("{other:?}")),
                };
                Err(Error::Refused { to: place::show(to), problem })
            }
            Err(error) => Err(self.reason(error)),
        }
    }

    /// Has the SSH server listen for connections and pass them on, as `ssh -R` does: at `host:port`, where 0
    /// is any free port and `localhost` is what most servers allow, or at the path of a Unix socket.
    ///
    /// # Errors
    /// [`Error::ListenRefused`] if the server doesn't, [`Error::BadPlace`], [`Error::TimedOut`], or the reason why the
    /// session is over.
    pub async fn listen(&self, at: &str) -> Result<Listener, Error> {
        let address = place::parse(at)?;
        let session = self.clone();
        let listening = async move { Listener::new(session, address).await };
        self.request(format!("listening on {at}"), listening).await
    }

    /// Asks the server for something. If nobody waits for it any more, it is taken back once it is there.
    async fn request<T: Send + 'static>(
        &self,
        during: String,
        asking: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        match timeout(self.timeout(), self.runtime().spawn(asking)).await {
            Ok(Ok(answer)) => answer,
            // The runtime has ended, and the session with it.
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::TimedOut { after: self.timeout(), during }),
        }
    }

    /// Has the server listen, and gives the port.
    pub(super) async fn forward(&self, place: &Place) -> Result<u32, Error> {
        let asked = match place {
            Place::Tcp(host, port) => self.handle()?.tcpip_forward(host, *port).await,
            Place::Unix(path) => self.handle()?.streamlocal_forward(path).await.map(|()| 0),
        };
        asked.map_err(|error| match error {
            russh::Error::RequestDenied => {
                let at = match place {
                    Place::Tcp(host, port) => format!("{host}:{port}"),
                    Place::Unix(path) => path.clone(),
                };
                Error::ListenRefused { at }
            }
            error => self.reason(error),
        })
    }

    /// Has the server stop listening.
    pub(super) fn cancel(&self, place: Place) {
        self.line().unlisten(&place);
        let session = self.clone();
        self.runtime().spawn(async move {
            let Ok(handle) = session.handle() else { return };
            // If it fails, the session is over, and the listener with it.
            let _ = match place {
                Place::Tcp(host, port) => handle.cancel_tcpip_forward(host, port).await,
                Place::Unix(path) => handle.cancel_streamlocal_forward(path).await,
            };
        });
    }
}
