//! Connections that the program makes itself.

use crate::{
    Client, Error,
    net::{Brought, Stream},
    tls,
};
use drb_core::{Address, Peer, Uri};
use std::{future::Future, io, net::IpAddr, pin::Pin, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};

/// What a connection can consist of, beside the sockets that drb opens itself: any reliable stream of
/// bytes in both directions, such as one of TLS, of a channel of SSH, or a pipe.
///
/// A server takes them with [`Server::serve_stream`](crate::Server::serve_stream), a client makes them
/// with [`ClientBuilder::connector`](crate::ClientBuilder::connector). Both wires go over them.
///
/// What is written is to be on its way without a flush, or soon, since drb flushes after each batch that
/// it has written. Dropping it closes the connection.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// Makes the connections of a client.
pub(crate) type Connector = Arc<dyn Fn(Address) -> Connecting + Send + Sync>;

type Connecting = Pin<Box<dyn Future<Output = io::Result<Brought>> + Send>>;

/// A program's function as a connector.
pub(crate) fn connector<S: Transport, F: Future<Output = io::Result<S>> + Send + 'static>(
    connect: impl Fn(Address) -> F + Send + Sync + 'static,
) -> Connector {
    Arc::new(move |address| {
        let (peer, connecting) = (peer(&address), connect(address));
        Box::pin(async move { Ok(Brought::new(connecting.await?, peer)) })
    })
}

/// A connector through an SSH session. Addresses are those of the other end, so none says who is there.
#[cfg(feature = "ssh")]
pub(crate) fn through(session: crate::ssh::Session) -> Connector {
    Arc::new(move |address| {
        let session = session.clone();
        Box::pin(async move {
            let peer = Peer::Named(format!("{address} at {}", session.host()).into());
            Ok(Brought::new(session.open(address).await?, peer))
        })
    })
}

/// Makes sure that `client` can go where a URI leads, which is `uri` in words.
///
/// # Errors
/// [`Error::BadUri`]: it cannot speak what the URI asks for.
pub(crate) fn check(to: &Uri, uri: &str, client: &Client) -> Result<(), Error> {
    let bad = |problem| Err(Error::BadUri { uri: uri.to_owned(), problem });
    if matches!(to.address, Address::Ssh { .. }) && !cfg!(feature = "ssh") {
        return bad("`drb+ssh://` needs the feature `ssh` of the crate drb");
    }
    if to.fire && !cfg!(feature = "fire") {
        return bad("`drbfire://` needs the feature `fire` of the crate drb");
    }
    match to.tls && client.tls().is_none() {
        true if !cfg!(feature = "tls") => bad(tls::OFF),
        true => bad("the client that calls it has to know whom to trust: \
             `Client::builder().tls(ClientTls::new(…))`; what a server calls back, it calls through \
             `ServerBuilder::client`"),
        false => Ok(()),
    }
}

/// Connects to a process, in a way that Ruby's wire or the native one goes over.
pub(crate) async fn connect(to: &Uri, client: &Client) -> io::Result<Stream> {
    #[cfg(feature = "fire")]
    if to.fire {
        return Box::pin(crate::fire::connect(to, client)).await;
    }
    dial(to, client).await
}

/// What a transport says of the failure of a connection, if it is that one's error.
#[cfg(any(feature = "fire", feature = "ssh"))]
pub(crate) fn cause<E: std::error::Error + 'static>(error: &Error) -> Option<&E> {
    match error {
        Error::Connect { source, .. } | Error::ConnectionLost { source, .. } => {
            source.get_ref()?.downcast_ref()
        }
        _ => None,
    }
}

/// Connects: as the program does it, through an SSH server, or over a socket; and within TLS, if it is to be
/// so.
pub(crate) async fn dial(to: &Uri, client: &Client) -> io::Result<Stream> {
    let address = &to.address;
    let stream = match (client.connector(), address) {
        (Some(connector), _) => connector(address.clone()).await?.into(),
        #[cfg(feature = "ssh")]
        (None, Address::Ssh { .. }) => client.ssh().connect(address).await?.into(),
        (None, _) => Stream::connect(address).await?,
    };
    // Before TLS hides the socket.
    #[cfg(feature = "fire")]
    if to.fire {
        stream.keep_alive(client.limits().keepalive);
    }
    match (address, client.tls()) {
        // With drbfire only the program knows, as in Ruby.
        (Address::Tcp { host, .. }, Some(tls)) if to.tls || to.fire => {
            let host = if host.is_empty() { "localhost" } else { host };
            tls.connect(stream, host).await
        }
        _ => Ok(stream),
    }
}

/// Who is to be at an address.
fn peer(address: &Address) -> Peer {
    match address {
        Address::Tcp { host, port } => match host.parse::<IpAddr>() {
            Ok(ip) => Peer::Tcp((ip.to_canonical(), *port).into()),
            Err(_) => Peer::Named(host.as_str().into()),
        },
        Address::Ssh { .. } => Peer::Named(address.to_string().into()),
        _ => Peer::Unix,
    }
}
