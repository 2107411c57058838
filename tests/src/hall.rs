//! An object that clients of all kinds share: it counts, calls back and tells.

use std::sync::{Mutex, PoisonError};

/// What a client is for the hall.
#[drb::service]
pub trait Guest {
    /// Who it is.
    async fn name(&self) -> String;
    /// What the hall has to say.
    async fn hear(&self, news: String);
}

/// The object.
#[derive(Default)]
pub struct Hall {
    count: Mutex<u64>,
    guests: Mutex<Vec<GuestProxy>>,
}

#[drb::service]
impl Hall {
    /// Counts one more, and gives the number, which nobody else gets.
    pub fn count(&self) -> u64 {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        *count
    }

    /// Asks the guest for its name.
    pub async fn greet(&self, guest: GuestProxy) -> drb::Result<String> {
        Ok(format!("hello {}", guest.name().await?))
    }

    /// Tells the guest what is announced from now on.
    pub fn observe(&self, guest: GuestProxy) {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).push(guest);
    }

    /// Tells all guests, and gives how many have heard it.
    pub async fn announce(&self, news: String) -> drb::Result<usize> {
        let guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for guest in &guests {
            guest.hear(&news).await?;
        }
        Ok(guests.len())
    }
}
