//! The session data of a web application, in a process of its own: the application can be started
//! anew, or run several times side by side, and nobody is logged out.

use drb::prelude::*;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What the application knows of a visitor. It crosses by value.
#[derive(Debug, Clone, Default, PartialEq, DrbDumped)]
pub struct Session {
    /// How many pages the visitor has seen.
    pub visits: u64,
    /// The page seen last.
    pub last_page: Option<String>,
}

/// Sessions by their ids.
#[derive(Default, DrbUndumped)]
pub struct Sessions {
    sessions: Mutex<HashMap<String, Session>>,
}

#[drb::service]
impl Sessions {
    /// Notes that a visitor sees a page, and gives the session, a new one if there was none.
    pub fn visit(&self, id: String, page: String) -> Session {
        let mut sessions = self.sessions();
        let session = sessions.entry(id).or_default();
        session.visits += 1;
        session.last_page = Some(page);
        session.clone()
    }

    /// Forgets a session.
    pub fn remove(&self, id: &str) -> Option<Session> {
        self.sessions().remove(id)
    }
}

impl Sessions {
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
