//! The room of `chat_server`, and what it calls at its members.

use drb::prelude::*;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinSet;

/// What every member of a room answers: an object of a program in Rust or in Ruby.
#[drb::service]
pub trait Member {
    /// Somebody has said something.
    async fn hear(&self, name: String, text: String);
}

/// Where members meet. A member is known by its reference: two references are equal if they mean
/// the same object, wherever it is.
#[derive(Default, DrbUndumped)]
pub struct Room {
    names: Mutex<HashMap<MemberProxy, String>>,
}

/// Why a room doesn't do what it is asked to.
#[derive(Debug, PartialEq, thiserror::Error, DrbError)]
pub enum RoomError {
    /// Another member has the name.
    #[error("somebody is called {name} already")]
    #[drb(class = "ArgumentError")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Who speaks has not joined, or did not answer and was taken for gone.
    #[error("you are not in the room")]
    #[drb(class = "KeyError")]
    NotHere,
}

/// Who doesn't answer for so long has left.
const PATIENCE: Duration = Duration::from_secs(5);

#[drb::service]
impl Room {
    /// Takes a member in, and gives the names of those who are there.
    pub async fn join(&self, member: MemberProxy, name: String) -> Result<Vec<String>, RoomError> {
        let others = {
            let mut names = self.names();
            let mut others: Vec<String> = names.values().cloned().collect();
            if others.contains(&name) {
                return Err(RoomError::NameTaken { name });
            }
            names.insert(member, name.clone());
            others.sort();
            others
        };
        self.tell("room", &format!("{name} is here")).await;
        Ok(others)
    }

    /// Says something to all members, to the one who says it as well.
    pub async fn say(&self, member: MemberProxy, text: String) -> Result<(), RoomError> {
        let name = self.names().get(&member).cloned().ok_or(RoomError::NotHere)?;
        self.tell(&name, &text).await;
        Ok(())
    }

    /// Leaves.
    pub async fn leave(&self, member: MemberProxy) -> Result<(), RoomError> {
        let name = self.names().remove(&member).ok_or(RoomError::NotHere)?;
        self.tell("room", &format!("{name} has left")).await;
        Ok(())
    }
}

impl Room {
    /// Calls all members side by side, so that a slow one holds up nobody but the speaker. Who
    /// doesn't answer is no member any more.
    async fn tell(&self, name: &str, text: &str) {
        // The lock is not held while anybody is called: a member may call back.
        let members: Vec<MemberProxy> = self.names().keys().cloned().collect();
        let mut calls = JoinSet::new();
        for member in members {
            let call = member.hear(name, text).deadline(PATIENCE);
            calls.spawn(async move { call.await.err().map(|_| member) });
        }
        for gone in calls.join_all().await.into_iter().flatten() {
            self.names().remove(&gone);
        }
    }

    fn names(&self) -> MutexGuard<'_, HashMap<MemberProxy, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
