//! Connections that the program makes itself.

use crate::net::{Brought, Stream};
use drb_core::{Address, Peer};
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

type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send>>;

/// A program's function as a connector.
pub(crate) fn connector<S: Transport, F: Future<Output = io::Result<S>> + Send + 'static>(
    connect: impl Fn(Address) -> F + Send + Sync + 'static,
) -> Connector {
    Arc::new(move |address| {
        let connecting = connect(address);
        Box::pin(async move {
            let stream: Box<dyn Transport> = Box::new(connecting.await?);
            Ok(stream)
        })
    })
}

/// Connects: as the program does it, or over a socket.
pub(crate) async fn connect(address: &Address, own: Option<&Connector>) -> io::Result<Stream> {
    let Some(connector) = own else { return Stream::connect(address).await };
    let stream = connector(address.clone()).await?;
    Ok(Stream::Brought(Brought { stream, peer: peer(address) }))
}

/// Who is to be at an address.
fn peer(address: &Address) -> Peer {
    match address {
        Address::Tcp { host, port } => match host.parse::<IpAddr>() {
            Ok(ip) => Peer::Tcp((ip.to_canonical(), *port).into()),
            Err(_) => Peer::Named(host.as_str().into()),
        },
        _ => Peer::Unix,
    }
}
