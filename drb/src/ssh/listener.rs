//! Connections that arrive at the other end of an SSH connection.

use super::{
    Channel, Error, Session, Tunnel,
    far::{Arrived, Place},
};
use crate::{Peer, Server};
use drb_core::Address;
use tokio::sync::mpsc;

/// So many connections wait to be taken; further ones are refused.
const WAITING: usize = 128;

/// Where the SSH server listens for us: from [`Session::listen`]. Dropping it ends that.
#[derive(Debug)]
pub struct Listener {
    session: Session,
    place: Place,
    address: Address,
    arrivals: mpsc::Receiver<Arrived>,
}

impl Listener {
    pub(super) async fn new(session: Session, mut address: Address) -> Result<Self, Error> {
        let (sender, arrivals) = mpsc::channel(WAITING);
        let mut place = match &address {
            // As for OpenSSH: the empty host is all addresses of the server.
            Address::Tcp { host, port } => Place::Tcp(host.clone(), u32::from(*port)),
            Address::Unix { path } => Place::Unix(path.to_string_lossy().into_owned()),
            _ => {
                let problem = "over SSH it is host:port, or the path of a Unix socket";
                return Err(Error::BadPlace { place: address.to_string(), problem });
            }
        };
        let any_port = matches!(place, Place::Tcp(_, 0));
        if !any_port {
            session.line().listen(place.clone(), sender.clone());
        }
        match session.forward(&place).await {
            Ok(found) => {
                if let (Place::Tcp(_, wanted @ 0), Address::Tcp { port, .. }) =
                    (&mut place, &mut address)
                {
                    *port = u16::try_from(found).unwrap_or_default();
                    *wanted = found;
                    session.line().listen(place.clone(), sender);
                }
            }
            Err(error) => {
                session.line().unlisten(&place);
                return Err(error);
            }
        }
        Ok(Self { session, place, address, arrivals })
    }

    /// Where the SSH server listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The URI at which programs over there reach what is served here: over Ruby's wire, since the native one
    /// needs no way back.
    pub fn uri(&self) -> String {
        self.address.to_string()
    }

    /// The next connection, and whose it is, as far as the SSH server says so. It can be dropped and called
    /// again.
    ///
    /// # Errors
    /// Why the session is over.
    pub async fn accept(&mut self) -> Result<(Channel, Peer), Error> {
        let Some(Arrived { id, stream, from }) = self.arrivals.recv().await else {
            return Err(self.session.closed().await);
        };
        let name = format!("{} at {}", from.escape_debug(), self.session.host());
        Ok((Channel::new(stream, id, self.session.clone()), Peer::Named(name.into())))
    }

    /// Has a server serve whatever arrives, until it ends, or the tunnel is dropped. (What is served by then goes
    /// on.)
    pub fn serve(self, server: &Server) -> Tunnel {
        Tunnel::to_server(self, server.clone())
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.session.cancel(self.place.clone());
    }
}
