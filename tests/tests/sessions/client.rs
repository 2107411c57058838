//! A client of ours calls a captured server.

use crate::{
    notes::{self, Unrecorded},
    vectors::{Event, Link, Session},
    wire::{self, CLIENT, Names, PROXY, SERVER, ends, soon},
};
use drb::Server;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{OnceLock, mpsc},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    runtime,
};

/// Plays a captured server for a client of ours, which does with `play` what the captured one did. Says where the requests,
/// the replies to callbacks, or what the client's program sees are others.
pub async fn replay(
    session: &Session,
    play: impl AsyncFnOnce(&str, &str) -> String,
) -> Result<(), String> {
    let (listener, server) = wire::listen().await;
    let mut names = Names::default();
    names.uri(home(), CLIENT);
    names.uri(&server, PROXY);
    names.uri(&server, SERVER);
    let mut script = Script {
        session,
        names,
        listener,
        main: None,
        callbacks: HashMap::new(),
        replies_to_callbacks: 0,
        target: None,
    };
    let script = async {
        for event in &session.events {
            if session.connections(event.link).contains(&event.connection) {
                script.play(event).await?;
            }
        }
        script.end().await
    };
    let client = async { Ok(play(session.name, &server).await) };
    let ((), seen) = tokio::try_join!(script, client)?;
    let seen = wire::plain(&seen).replace(&server, SERVER);
    let differs = notes::find(&notes::SEEN, session.name, 0);
    if differs.is_some() && seen == wire::plain(session.seen) {
        return Err("the client sees no longer what differs".to_owned());
    }
    let expected = differs.map_or(session.seen, |differs| differs.expected);
    wire::same_text(&wire::plain(expected), &seen)
}

/// Where this process is called back: its first server, which runs as long as the process does.
pub fn home() -> &'static str {
    static HOME: OnceLock<String> = OnceLock::new();
    HOME.get_or_init(|| {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::builder().start("druby://127.0.0.1:0").await.unwrap();
                sender.send(server.uri().to_owned()).unwrap();
                server.wait().await;
            });
        });
        receiver.recv().unwrap()
    })
}

struct Script<'a> {
    session: &'a Session,
    names: Names,
    listener: TcpListener,
    main: Option<TcpStream>,
    callbacks: HashMap<u32, TcpStream>,
    replies_to_callbacks: usize,
    /// The id of the object whose calls were not recorded.
    target: Option<Vec<u8>>,
}

impl Script<'_> {
    async fn play(&mut self, event: &Event) -> Result<(), String> {
        match (event.link, event.request) {
            (Link::Main, true) => self.called(event).await,
            (Link::Main, false) => self.reply(event).await,
            (Link::Callback, true) => self.call_back(event).await,
            (Link::Callback, false) => self.reply_to_callback(event).await,
        }
    }

    /// The client calls, or closes.
    async fn called(&mut self, event: &Event) -> Result<(), String> {
        let socket = match &mut self.main {
            Some(socket) => socket,
            main @ None => main.insert(soon(self.listener.accept()).await.unwrap().0),
        };
        if event.streams.is_empty() {
            return closed(socket).await;
        }
        self.names.compare(&event.streams, &wire::read_request(socket).await)
    }

    /// The server replies, or closes.
    async fn reply(&mut self, event: &Event) -> Result<(), String> {
        let socket = self.main.as_mut().unwrap();
        if event.streams.is_empty() {
            let _ = socket.shutdown().await;
            return Ok(());
        }
        wire::write(socket, &self.names.live(&event.streams)).await;
        if let (None, [call, ..]) = (&self.target, &*notes::unrecorded(self.session.name)) {
            self.target = Some(wire::id_of(&event.streams));
            self.unrecorded(call).await?;
        }
        Ok(())
    }

    /// The server calls the client back, or closes.
    async fn call_back(&mut self, event: &Event) -> Result<(), String> {
        if let Entry::Vacant(entry) = self.callbacks.entry(event.connection) {
            entry.insert(wire::dial(home()).await);
        }
        let socket = self.callbacks.get_mut(&event.connection).unwrap();
        if event.streams.is_empty() {
            let _ = socket.shutdown().await;
            return Ok(());
        }
        let mut request = self.names.live(&event.streams);
        request[0] = self.names.live_id(CLIENT, &request[0]);
        wire::write(socket, &request).await;
        Ok(())
    }

    /// The client replies to a callback, or closes.
    async fn reply_to_callback(&mut self, event: &Event) -> Result<(), String> {
        let socket = self.callbacks.get_mut(&event.connection).unwrap();
        if event.streams.is_empty() {
            return closed(socket).await;
        }
        let reply = wire::read_reply(socket).await;
        let index = self.replies_to_callbacks;
        self.replies_to_callbacks += 1;
        let differs = notes::find(&notes::CALLBACKS, self.session.name, index);
        self.names.check(&event.streams, &reply, differs)
    }

    /// The client calls an object that it was given.
    async fn unrecorded(&mut self, call: &Unrecorded) -> Result<(), String> {
        let socket = self.main.as_mut().unwrap();
        let mut request = wire::read_request(socket).await;
        if request.is_empty() {
            // The last call has failed.
            *socket = soon(self.listener.accept()).await.unwrap().0;
            request = wire::read_request(socket).await;
        }
        let target = self.target.clone().unwrap();
        self.names.compare(&call.request(target), &request)
    }

    /// After all that was recorded.
    async fn end(mut self) -> Result<(), String> {
        for (index, call) in notes::unrecorded(self.session.name).into_iter().enumerate() {
            if index > 0 {
                self.unrecorded(call).await?;
            }
            let socket = self.main.as_mut().unwrap();
            wire::write(socket, &self.names.live(&call.answer())).await;
        }
        Ok(())
    }
}

async fn closed(socket: &mut TcpStream) -> Result<(), String> {
    if ends(socket).await { Ok(()) } else { Err("more on a connection that Ruby closes".into()) }
}
