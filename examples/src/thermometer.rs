//! The object of `observer_server`.

use crate::{ObserverProxy, Observers};
use drb::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Something that changes, and tells its observers. The methods are those of Ruby's `Observable`.
#[derive(Default, DrbUndumped)]
pub struct Thermometer {
    degrees: Mutex<f64>,
    observers: Observers,
}

#[drb::service]
impl Thermometer {
    /// Adds an observer.
    pub fn add_observer(&self, observer: ObserverProxy) {
        self.observers.add(observer);
    }

    /// Forgets an observer.
    pub fn delete_observer(&self, observer: ObserverProxy) {
        self.observers.delete(&observer);
    }

    /// How many observers there are.
    pub fn count_observers(&self) -> usize {
        self.observers.count()
    }

    /// Sets the temperature, and tells the observers if it has changed.
    #[drb(name = "degrees=")]
    pub async fn set_degrees(&self, degrees: f64) {
        let before = std::mem::replace(
            &mut *self.degrees.lock().unwrap_or_else(PoisonError::into_inner),
            degrees,
        );
        if before != degrees {
            self.observers.notify(degrees).await;
        }
    }
}
