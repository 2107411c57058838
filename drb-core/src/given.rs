//! What a call has given whose object was called before it was there.

use crate::{Error, LoadError, ObjectId, Relay, Remote};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

/// The object that a promise has become.
///
/// A promise is handed on as an object of this process. So what its call gives can be the promise itself, or
/// another one that has become this one: whatever a peer says, they lead nowhere in a ring.
pub struct Given {
    promise: ObjectId,
    remote: Remote,
}

/// The promises that have become another one each.
static PROMISES: LazyLock<Mutex<HashMap<ObjectId, ObjectId>>> = LazyLock::new(Mutex::default);

fn promises() -> MutexGuard<'static, HashMap<ObjectId, ObjectId>> {
    PROMISES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Given {
    /// The promise `promise` becomes `remote`.
    ///
    /// # Errors
    /// [`Error::Load`] if that leads back to the promise. So there is no object.
    pub fn new(promise: &ObjectId, mut remote: Remote) -> Result<Self, Error> {
        if !matches!(remote.reference().id(), ObjectId::Promise { .. })
            && let Some(object) = remote.object()
            && let Some(behind) = Relay::behind(&object)
        {
            remote = behind;
        }
        let id = remote.reference().id();
        if matches!(id, ObjectId::Promise { .. }) {
            let mut promises = promises();
            let mut next = Some(id);
            while let Some(id) = next {
                if id == promise {
                    let problem = "the call has given nothing but the object that it was to give";
                    return Err(Error::Load(LoadError::custom(problem)));
                }
                next = promises.get(id);
            }
            promises.insert(promise.clone(), id.clone());
        }
        Ok(Self { promise: promise.clone(), remote })
    }

    /// The object.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if matches!(self.remote.reference().id(), ObjectId::Promise { .. }) {
            promises().remove(&self.promise);
        }
    }
}
