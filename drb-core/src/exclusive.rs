//! Objects whose methods take `&mut self`.

use crate::dispatch::MethodInfo;
use async_lock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::fmt;

/// Holds an object of which a method with `&mut self` has it to itself, while its methods with
/// `&self` run side by side.
///
/// A service with a `&mut self` method is exported as `Arc<Exclusive<T>>`, one without as `Arc<T>`.
/// Whoever waits is served in turn.
pub struct Exclusive<T>(RwLock<T>);

impl<T> Exclusive<T> {
    /// Wraps the object.
    pub fn new(object: T) -> Self {
        Self(RwLock::new(object))
    }

    /// Waits until no method with `&mut self` runs.
    pub async fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().await
    }

    /// Waits until no method runs.
    pub async fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().await
    }

    /// Whether a call of a method would have to wait.
    pub(crate) fn waits(&self, method: &MethodInfo) -> bool {
        match method.exclusive {
            true => self.try_write().is_none(),
            false => self.try_read().is_none(),
        }
    }

    /// The same as [`Exclusive::read`] on a thread that may block.
    pub fn read_blocking(&self) -> RwLockReadGuard<'_, T> {
        self.0.read_blocking()
    }

    /// The same as [`Exclusive::write`] on a thread that may block.
    pub fn write_blocking(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write_blocking()
    }

    /// The same as [`Exclusive::read`], if that can be had at once.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read()
    }

    /// The same as [`Exclusive::write`], if that can be had at once.
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write()
    }
}

impl<T> From<T> for Exclusive<T> {
    fn from(object: T) -> Self {
        Self::new(object)
    }
}

impl<T> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}
