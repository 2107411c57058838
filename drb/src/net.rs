//! Sockets: TCP, Unix and those that the program brings, and what is common to them.

use crate::{
    alarm,
    transport::Transport,
    unix_socket::{self, BACKLOG, FileOptions, SocketFile},
};
use drb_core::{Address, Identity, Peer};
#[cfg(feature = "fire")]
use std::time::Duration;
use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    io::{self, ErrorKind, IoSlice, Read},
    mem::MaybeUninit,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host},
    sync::oneshot,
};

/// One connection.
#[derive(Debug)]
pub(crate) enum Stream {
    /// With the address of the other end.
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
    /// It is larger than a socket, and connections are moved about until they run.
    Brought(Box<Brought>),
}

/// A connection that is no socket of drb's own, or one within TLS; and who is at the other end, as the
/// program or the handshake has it.
pub(crate) struct Brought {
    pub(crate) stream: Box<dyn Transport>,
    pub(crate) peer: Peer,
    pub(crate) identity: Identity,
    pub(crate) ends: Option<Ends>,
    /// Tells whoever counts the connection that it is gone.
    pub(crate) _counted: Option<oneshot::Sender<Infallible>>,
}

impl Brought {
    /// One of which nothing is known but who is said to be at the other end.
    pub(crate) fn new(stream: impl Transport, peer: Peer) -> Self {
        let (stream, identity) = (Box::new(stream), Identity::Anonymous);
        Self { stream, peer, identity, ends: None, _counted: None }
    }
}

impl From<Brought> for Stream {
    fn from(brought: Brought) -> Self {
        Self::Brought(Box::new(brought))
    }
}

impl fmt::Debug for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brought").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// A socket that connections arrive at.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    /// The file goes first: as long as the socket listens, nobody takes the name for a free one.
    Unix(SocketFile, UnixListener),
}

impl Stream {
    /// Connects.
    pub(crate) async fn connect(address: &Address) -> io::Result<Self> {
        alarm::begin();
        match address {
            Address::Tcp { host, port } => {
                // Without a host it is this machine, as for Ruby.
                let host = if host.is_empty() { "localhost" } else { host };
                let mut failed = None;
                for address in lookup_host((host, *port)).await? {
                    match TcpStream::connect(address).await {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            // An address that means any leads to one of this machine.
                            let is_known = !address.ip().is_unspecified();
                            let peer = if is_known { address } else { stream.peer_addr()? };
                            return Ok(Self::tcp(stream, peer));
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                let nowhere = || io::Error::new(ErrorKind::InvalidInput, "the host has no address");
                Err(failed.unwrap_or_else(nowhere))
            }
            Address::Unix { path } => Ok(Self::Unix(UnixStream::connect(path).await?)),
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }

    fn tcp(stream: TcpStream, mut peer: SocketAddr) -> Self {
        peer.set_ip(peer.ip().to_canonical());
        if peer.ip().is_loopback() {
            keep_simple(&stream);
        }
        Self::Tcp(stream, peer)
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(_, peer) => Peer::Tcp(*peer),
            Self::Unix(_) => Peer::Unix,
            Self::Brought(brought) => brought.peer.clone(),
        }
    }

    /// What the other end has shown of itself.
    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::Unix(stream) => match stream.peer_cred() {
                Ok(process) => Identity::Unix {
                    uid: process.uid(),
                    gid: process.gid(),
                    pid: process.pid().and_then(|pid| u32::try_from(pid).ok()),
                },
                // It is nobody in particular then, to whom nothing is allowed that needs a user.
                Err(_) => Identity::Anonymous,
            },
            Self::Tcp(..) => Identity::Anonymous,
            Self::Brought(brought) => brought.identity.clone(),
        }
    }

    /// Lets the system ask a peer that has been silent for so long whether it is still there, where nothing else does,
    /// and give it up after twice as long again.
    #[cfg(feature = "fire")]
    pub(crate) fn keep_alive(&self, silence: Duration) {
        // The system counts in seconds.
        let every = silence.max(Duration::from_secs(1));
        if let Self::Tcp(stream, _) = self {
            let keepalive = socket2::TcpKeepalive::new().with_time(every).with_interval(every);
            // Should it fail, a dead peer is found out later.
            let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive.with_retries(2));
        }
    }

    /// Ready when there may be something to read. Nobody but the reader knows it of what the program brings.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(stream, _) => stream.poll_read_ready(context).map(drop),
            Self::Unix(stream) => stream.poll_read_ready(context).map(drop),
            Self::Brought(_) => Poll::Ready(()),
        }
    }

    /// Whether something has arrived, or the end of it, that nobody was told of yet. Of what the program brings it isn't
    /// known.
    pub(crate) fn has_unread(&self) -> bool {
        self.peek().is_some_and(|peeked| peeked.is_ok())
    }

    /// Looks what is next to be read, where the system knows that.
    fn peek(&self) -> Option<io::Result<usize>> {
        Some(self.socket()?.peek(&mut [MaybeUninit::uninit()]))
    }

    /// Reads what has come by now, where the system knows that.
    pub(crate) fn read_now(&self, bytes: &mut [u8]) -> Option<io::Result<usize>> {
        Some((&*self.socket()?).read(bytes))
    }

    /// Whether the system knows what has come.
    pub(crate) fn is_socket(&self) -> bool {
        self.socket().is_some()
    }

    fn socket(&self) -> Option<socket2::SockRef<'_>> {
        match self {
            Self::Tcp(stream, _) => Some(stream.into()),
            Self::Unix(stream) => Some(stream.into()),
            Self::Brought(_) => None,
        }
    }

    /// Whether an idle connection can still be used. Nothing is to be read on one; what can be read
    /// is the peer's end, or something that nobody has asked for.
    pub(crate) fn is_alive(&mut self) -> bool {
        if let Self::Brought(brought) = self {
            // What is taken here is lost, but then the connection is of no use either.
            let mut nobody = Context::from_waker(Waker::noop());
            let mut byte = [MaybeUninit::uninit()];
            let mut byte = ReadBuf::uninit(&mut byte);
            return Pin::new(&mut brought.stream).poll_read(&mut nobody, &mut byte).is_pending();
        }
        matches!(self.peek(), Some(Err(error)) if error.kind() == ErrorKind::WouldBlock)
    }
}

/// Within a machine there is no network that could be crowded: what finds out how much it takes is to take little time
/// itself. Should it fail, the connection is only slower.
#[cfg(target_os = "linux")]
fn keep_simple(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_congestion(SIMPLE);
}

#[cfg(not(target_os = "linux"))]
fn keep_simple(_: &TcpStream) {}

/// The congestion control that Linux always has, and lets everybody use if the administrator doesn't say otherwise.
#[cfg(target_os = "linux")]
const SIMPLE: &[u8] = b"reno";

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream, _) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Brought(brought) => Pin::new(&mut brought.stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(stream, _) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Brought(brought) => Pin::new(&mut brought.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(stream, _) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Self::Brought(brought) => {
                Pin::new(&mut brought.stream).poll_write_vectored(context, parts)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream, _) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Brought(brought) => Pin::new(&mut brought.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream, _) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Brought(brought) => Pin::new(&mut brought.stream).poll_shutdown(context),
        }
    }
}

/// Where to listen, found before anything is opened.
#[derive(Debug)]
pub(crate) enum Place {
    Tcp(Vec<SocketAddr>),
    Unix(PathBuf),
}

impl Place {
    /// Looks the address up.
    pub(crate) async fn find(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp { host, port } if host.is_empty() => Ok(Self::Tcp(vec![
                (Ipv4Addr::UNSPECIFIED, *port).into(),
                (Ipv6Addr::UNSPECIFIED, *port).into(),
            ])),
            Address::Tcp { host, port } => {
                Ok(Self::Tcp(lookup_host((host.as_str(), *port)).await?.collect()))
            }
            Address::Unix { path } => Ok(Self::Unix(path.clone())),
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Whether only this machine can connect.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Tcp(addresses) => {
                addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
            }
            Self::Unix(_) => true,
        }
    }

    /// Opens the socket: at the first of the addresses where that is possible.
    pub(crate) async fn listen(&self, files: &FileOptions) -> io::Result<Listener> {
        alarm::begin();
        match self {
            Self::Tcp(addresses) => {
                let listener = TcpListener::bind(addresses.as_slice()).await?;
                // The runtime lets fewer wait. Who doesn't find room tries again a second later.
                socket2::SockRef::from(&listener).listen(BACKLOG)?;
                Ok(Listener::Tcp(listener))
            }
            Self::Unix(path) => {
                let (file, listener) = unix_socket::listen(path, files).await?;
                Ok(Listener::Unix(file, listener))
            }
        }
    }
}

impl Listener {
    /// The next connection. One task at a time waits for it.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        Poll::Ready(Ok(match self {
            Self::Tcp(listener) => {
                let (stream, peer) = ready!(listener.poll_accept(context))?;
                // Should it fail, the connection is only slower.
                let _ = stream.set_nodelay(true);
                Stream::tcp(stream, peer)
            }
            Self::Unix(_, listener) => Stream::Unix(ready!(listener.poll_accept(context))?.0),
        }))
    }

    /// The address that was asked for, with what the system has picked filled in.
    pub(crate) fn address(&self, asked: &Address) -> io::Result<Address> {
        match (self, asked) {
            (Self::Tcp(listener), Address::Tcp { host, .. }) => {
                let bound = listener.local_addr()?;
                let host = if host.is_empty() {
                    this_machine(bound.is_ipv6()).to_string()
                } else {
                    host.clone()
                };
                Ok(Address::Tcp { host, port: bound.port() })
            }
            (Self::Unix(file, _), _) => Ok(Address::Unix { path: file.path().to_owned() }),
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }
}

/// The two ends of a connection over TCP: the address of this machine as the peer sees it, and the
/// peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) local: IpAddr,
    pub(crate) peer: IpAddr,
}

impl Ends {
    /// Those of a connection; a Unix socket has none.
    pub(crate) fn of(stream: &Stream) -> Option<Self> {
        match stream {
            Stream::Tcp(stream, peer) => {
                let local = stream.local_addr().ok()?.ip().to_canonical();
                Some(Self { local, peer: peer.ip() })
            }
            Stream::Brought(brought) => brought.ends,
            Stream::Unix(_) => None,
        }
    }
}

/// The address under which others are most likely to reach this machine: the one that it would send
/// from. (Connecting a UDP socket sends nothing.)
fn this_machine(v6: bool) -> IpAddr {
    let (any, documentation): (IpAddr, IpAddr) = if v6 {
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
    } else {
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
    };
    let found = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((documentation, 9))?;
        socket.local_addr()
    });
    match found {
        Ok(address) if !address.ip().is_unspecified() => address.ip(),
        _ if v6 => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_stays_within_the_machine_is_sent_in_the_simplest_way() {
        let here = Address::Tcp { host: "127.0.0.1".into(), port: 0 };
        let place = Place::find(&here).await.unwrap();
        let listener = place.listen(&FileOptions::default()).await.unwrap();
        let address = listener.address(&here).unwrap();
        let (near, far) = tokio::join!(Stream::connect(&address), listener.accept());
        let allowed = std::fs::read("/proc/sys/net/ipv4/tcp_allowed_congestion_control").unwrap();
        assert!(allowed.split(u8::is_ascii_whitespace).any(|way| way == SIMPLE), "{allowed:?}");
        for end in [near.unwrap(), far.unwrap()] {
            let Stream::Tcp(stream, _) = end else { panic!("{end:?}") };
            let way = socket2::SockRef::from(&stream).tcp_congestion().unwrap();
            assert!(way.starts_with(SIMPLE), "{way:?}");
        }
    }
}
