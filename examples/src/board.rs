//! The object of `unix_server`.

use drb::{Identity, prelude::*};
use std::sync::{Mutex, PoisonError};

/// A board for the users of one machine. The system says who pins a note: nobody can sign for another one.
#[derive(Default, DrbUndumped)]
pub struct Board {
    notes: Mutex<Vec<String>>,
}

#[drb::service]
impl Board {
    /// Pins a note, and says how many there are.
    pub fn pin(&self, text: String, #[drb(context)] call: &Context) -> Result<usize, String> {
        let Identity::Unix { uid, .. } = call.identity() else {
            return Err("a note is signed by a user of this machine".to_owned());
        };
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(format!("{uid}: {text}"));
        Ok(notes.len())
    }

    /// All notes, each with the number of the user who has pinned it.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes all notes off. The server says who may.
    pub fn clear(&self) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
