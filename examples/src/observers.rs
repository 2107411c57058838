//! What Ruby's `drb/observer` is: observers of an object, in any process.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What an observer of a thermometer answers: an object of a program in Rust or in Ruby.
#[drb::service]
pub trait Observer {
    /// The temperature has changed.
    async fn update(&self, degrees: f64);
}

/// Those who want to be told.
#[derive(Default)]
pub struct Observers {
    observers: Mutex<Vec<ObserverProxy>>,
}

/// Who doesn't answer for so long is taken for dead. (Ruby waits for as long as it takes.)
const PATIENCE: Duration = Duration::from_secs(5);

impl Observers {
    /// Adds an observer; one that is there already is not added again.
    pub fn add(&self, observer: ObserverProxy) {
        let mut observers = self.observers();
        if !observers.contains(&observer) {
            observers.push(observer);
        }
    }

    /// Forgets an observer.
    pub fn delete(&self, observer: &ObserverProxy) {
        self.observers().retain(|known| known != observer);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.observers().len()
    }

    /// Tells all of them, one after the other. Whoever cannot be told is dropped, as in Ruby.
    pub async fn notify(&self, degrees: f64) {
        // The lock is not held while anybody is called: an observer may add another.
        let observers = self.observers().clone();
        for observer in observers {
            if observer.update(degrees).deadline(PATIENCE).await.is_err() {
                self.delete(&observer);
            }
        }
    }

    fn observers(&self) -> MutexGuard<'_, Vec<ObserverProxy>> {
        self.observers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
