//! The SSH sessions of a client: one to each server and user, for all objects there.

use super::{Error, Session, SessionBuilder, session::WeakSession};
use crate::{Address, Peer, net::Brought};
use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, PoisonError},
};

/// Who logs in where.
type Login = (Option<String>, String, u16);

/// Nobody holds a session here: it goes with the last connection that uses it.
#[derive(Default)]
pub(crate) struct Sessions {
    builder: Option<SessionBuilder>,
    /// Those that the program has asked for. A peer's reference makes no session.
    known: Mutex<HashMap<Login, Arc<tokio::sync::Mutex<WeakSession>>>>,
}

impl Sessions {
    pub(crate) fn new(builder: Option<SessionBuilder>) -> Self {
        Self { builder, known: Mutex::default() }
    }

    /// The program has a URI with this address.
    pub(crate) fn know(&self, address: &Address) {
        if let Address::Ssh { user, host, port, .. } = address {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry((user.clone(), host.clone(), *port)).or_default();
        }
    }

    /// Connects to an address behind an SSH server.
    pub(crate) async fn connect(&self, address: &Address) -> io::Result<Brought> {
        let Address::Ssh { user, host, port, place } = address else {
            return Err(ErrorKind::Unsupported.into());
        };
        let login = (user.clone(), host.clone(), *port);
        let slot = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&login).cloned();
        let slot = slot.ok_or_else(|| Error::NotAsked { uri: address.to_string() })?;
        // Whoever comes first makes the session, for the others as well.
        let mut slot = slot.lock().await;
        let session = match slot.upgrade().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => {
                let builder = self.builder.clone().unwrap_or_else(Session::builder);
                let session = builder.connect_to(user.as_deref(), host, *port).await?;
                *slot = session.downgrade();
                session
            }
        };
        drop(slot);
        let channel = session.open((**place).clone()).await?;
        Ok(Brought::new(channel, Peer::Named(address.to_string().into())))
    }
}
