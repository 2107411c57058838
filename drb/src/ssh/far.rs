//! What the other end asks of us, and what becomes of the connection.

use super::{Error, known_hosts::KnownHost};
use russh::{
    Channel, ChannelId, ChannelOpenFailure, ChannelStream,
    client::{self, DisconnectReason, Msg},
    keys::PublicKeyOrCertificate,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, watch};

/// What a session, its channels and its listeners share with the library's task.
pub(super) struct Line {
    /// Why it is over.
    over: watch::Sender<Option<Error>>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The channels that are open. Each is told when the other side has closed it.
    channels: HashMap<ChannelId, watch::Sender<bool>>,
    /// Who takes what arrives at a place where the other side listens for us.
    listeners: HashMap<Place, mpsc::Sender<Arrived>>,
}

/// Where the other side listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Tcp(String, u32),
    Unix(String),
}

/// Somebody has connected there.
pub(super) struct Arrived {
    pub(super) id: ChannelId,
    pub(super) stream: ChannelStream<Msg>,
    /// The address, as the other side sees it.
    pub(super) from: String,
}

impl Line {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { over: watch::Sender::new(None), known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is over, and the first reason counts.
    pub(super) fn end(&self, reason: Error) {
        self.over.send_if_modified(|over| {
            let first = over.is_none();
            over.get_or_insert(reason);
            first
        });
    }

    /// Why it is over, if it is.
    pub(super) fn over(&self) -> Option<Error> {
        self.over.borrow().clone()
    }

    /// Waits until it is over.
    pub(super) fn ended(&self) -> impl Future<Output = Error> + Send + Sync + use<> {
        let mut over = self.over.subscribe();
        async move {
            match over.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(reason)) => reason.clone(),
                _ => Error::Closed,
            }
        }
    }

    /// Is told `true`, or closed, when a channel is of no use any more.
    pub(super) fn watch(&self, id: ChannelId) -> watch::Receiver<bool> {
        match self.known().channels.get(&id) {
            Some(closed) => closed.subscribe(),
            // It was closed as soon as it was open.
            None => watch::Sender::new(true).subscribe(),
        }
    }

    pub(super) fn forget(&self, id: ChannelId) {
        self.known().channels.remove(&id);
    }

    pub(super) fn listen(&self, place: Place, to: mpsc::Sender<Arrived>) {
        self.known().listeners.insert(place, to);
    }

    pub(super) fn unlisten(&self, place: &Place) {
        self.known().listeners.remove(place);
    }

    fn opened(&self, id: ChannelId) {
        self.known().channels.insert(id, watch::Sender::new(false));
    }

    fn closed(&self, id: ChannelId) {
        if let Some(closed) = self.known().channels.remove(&id) {
            closed.send_replace(true);
        }
    }

    fn listener(&self, place: &Place) -> Option<mpsc::Sender<Arrived>> {
        self.known().listeners.get(place).cloned()
    }
}

/// Answers for us.
pub(super) struct Far {
    pub(super) line: Arc<Line>,
    /// `None`: any host may be there.
    pub(super) host: Option<KnownHost>,
}

impl Far {
    async fn arrived(
        &self,
        place: Place,
        channel: Channel<Msg>,
        from: String,
        reply: client::ChannelOpenHandle,
    ) {
        let Some(listener) = self.line.listener(&place) else {
            return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        };
        // Nobody waits here, since all channels would wait along.
        let Ok(room) = listener.try_reserve() else {
            return reply.reject(ChannelOpenFailure::ResourceShortage).await;
        };
        let id = channel.id();
        self.line.opened(id);
        reply.accept().await;
        room.send(Arrived { id, stream: channel.into_stream(), from });
    }
}

/// Everything else that a server can ask for is refused.
impl client::Handler for Far {
    type Error = Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Error> {
        if let Some(host) = &self.host {
            host.check(&key.public_key())?;
        }
        Ok(true)
    }

    async fn channel_open_confirmation(
        &mut self,
        id: ChannelId,
        _: u32,
        _: u32,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        self.line.opened(id);
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut client::Session) -> Result<(), Error> {
        self.line.closed(id);
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        address: &str,
        port: u32,
        from: &str,
        from_port: u32,
        reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        let place = Place::Tcp(address.to_owned(), port);
        self.arrived(place, channel, format!("{from}:{from_port}"), reply).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        self.arrived(Place::Unix(path.to_owned()), channel, path.to_owned(), reply).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Error> {
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Error>) -> Result<(), Error> {
        let reason = match reason {
            DisconnectReason::Error(error) => error,
            DisconnectReason::ReceivedDisconnect(info) => {
                // A peer's words go into the text as they can be read.
                let words = info.message.escape_debug();
                Error::Lost { problem: format!("the other side has ended it ({words})") }
            }
        };
        self.line.end(reason);
        Ok(())
    }
}

/// The library's task has ended, whatever the way.
impl Drop for Far {
    fn drop(&mut self) {
        self.line.end(russh::Error::Disconnect.into());
        let mut known = self.line.known();
        known.channels.clear();
        known.listeners.clear();
    }
}
