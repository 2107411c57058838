//! The captured clients call a server of ours.

use crate::{
    front::{DRbEx, Front, Named},
    notes::{self, Unrecorded},
    vectors::{Event, Link, Session},
    wire::{self, CLIENT, Names, SERVER, ends, render, soon},
};
use drb::{Limits, Server};
use std::collections::{HashMap, hash_map::Entry};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

/// Plays a captured client, and says where the server's part of the conversation is another one.
pub async fn replay(session: &Session) -> Result<(), String> {
    let server = start(session.name).await;
    let (listener, client) = wire::listen().await;
    let mut names = Names::default();
    names.uri(server.uri(), SERVER);
    names.uri(&client, CLIENT);
    let mut replay = Replay {
        session,
        names,
        uri: server.uri(),
        listener,
        main: HashMap::new(),
        callbacks: HashMap::new(),
        replies: 0,
        unrecorded: None,
    };
    for event in &session.events {
        if session.connections(event.link).contains(&event.connection) {
            replay.play(event).await?;
        }
    }
    replay.end().await
}

/// The server of a conversation, with the captured one's objects and limits.
async fn start(session: &str) -> Server {
    let builder = if session.starts_with("ut_") {
        let limits = Limits { arguments: 8, frame: 4096, ..Limits::default() };
        Server::builder().front(DRbEx::shared()).limits(limits)
    } else {
        Server::builder().front(Front).named("foo", Named)
    };
    builder.start("druby://127.0.0.1:0").await.unwrap()
}

struct Replay<'a> {
    session: &'a Session,
    names: Names,
    /// Of our server.
    uri: &'a str,
    /// The client's own server.
    listener: TcpListener,
    main: HashMap<u32, TcpStream>,
    callbacks: HashMap<u32, TcpStream>,
    /// How many replies there were.
    replies: usize,
    /// The id of the object whose calls were not recorded, and the one that is under way.
    unrecorded: Option<(Vec<u8>, TcpStream)>,
}

impl Replay<'_> {
    async fn play(&mut self, event: &Event) -> Result<(), String> {
        match (event.link, event.request) {
            (Link::Main, true) => self.call(event).await,
            (Link::Main, false) => self.reply(event).await,
            (Link::Callback, true) => self.called_back(event).await,
            (Link::Callback, false) => self.reply_to_callback(event).await,
        }
    }

    /// The client calls, or closes.
    async fn call(&mut self, event: &Event) -> Result<(), String> {
        if let Entry::Vacant(entry) = self.main.entry(event.connection) {
            entry.insert(wire::dial(self.uri).await);
        }
        let socket = self.main.get_mut(&event.connection).unwrap();
        if event.streams.is_empty() {
            // The server may have closed already.
            let _ = socket.shutdown().await;
        } else {
            wire::write(socket, &self.names.live(&event.streams)).await;
        }
        Ok(())
    }

    /// The server replies, or closes.
    async fn reply(&mut self, event: &Event) -> Result<(), String> {
        let socket = self.main.get_mut(&event.connection).unwrap();
        let differs = notes::find(&notes::REPLIES, self.session.name, self.replies);
        if differs.is_some() || !event.streams.is_empty() {
            let reply = wire::read_reply(socket).await;
            self.names.check(&event.streams, &reply, differs)?;
            self.replies += 1;
            if let (1, [call, ..]) = (self.replies, &*notes::unrecorded(self.session.name)) {
                let target = wire::id_of(&reply);
                self.unrecorded = Some((target.clone(), self.call_unrecorded(target, call).await));
            }
        }
        let socket = self.main.get_mut(&event.connection).unwrap();
        if event.streams.is_empty() && !ends(socket).await {
            return Err("more on a connection that Ruby closes".to_owned());
        }
        Ok(())
    }

    /// The server calls the client back, or closes.
    async fn called_back(&mut self, event: &Event) -> Result<(), String> {
        if let Entry::Vacant(entry) = self.callbacks.entry(event.connection) {
            entry.insert(soon(self.listener.accept()).await.unwrap().0);
        }
        let socket = self.callbacks.get_mut(&event.connection).unwrap();
        if event.streams.is_empty() {
            let ended = ends(socket).await;
            return if ended { Ok(()) } else { Err("more after a failed callback".to_owned()) };
        }
        self.names.compare(&event.streams, &wire::read_request(socket).await)
    }

    /// The client replies to a callback, or closes.
    async fn reply_to_callback(&mut self, event: &Event) -> Result<(), String> {
        let socket = self.callbacks.get_mut(&event.connection).unwrap();
        if event.streams.is_empty() {
            let _ = socket.shutdown().await;
        } else {
            wire::write(socket, &self.names.live(&event.streams)).await;
        }
        Ok(())
    }

    /// Calls an object that a reply has given, as Ruby does.
    async fn call_unrecorded(&self, target: Vec<u8>, call: &Unrecorded) -> TcpStream {
        let mut socket = wire::dial(self.uri).await;
        wire::write(&mut socket, &self.names.live(&call.request(target))).await;
        socket
    }

    /// After all that was recorded.
    async fn end(mut self) -> Result<(), String> {
        let Some((target, mut socket)) = self.unrecorded.take() else { return Ok(()) };
        for (index, call) in notes::unrecorded(self.session.name).into_iter().enumerate() {
            if index > 0 {
                socket = self.call_unrecorded(target.clone(), call).await;
            }
            let reply = self.names.captured(&wire::read_reply(&mut socket).await);
            wire::same_text(call.reply, &render(&reply))?;
        }
        Ok(())
    }
}
