//! What the code that `#[drb::service]` makes of a method consists of: load, call, reply.

use super::{Args, Blocking, Completed, Incoming, Invoked, Reply, Running, Service};
use crate::{DumpError, Dumper, Exclusive, LoadError, Returns, Wire};
use std::{future::Future, sync::Arc};

impl<'a> Incoming<'a> {
    /// Loads the arguments with `load`. Where they don't fit, gives the refusal instead.
    ///
    /// # Errors
    /// The finished refusal, which is then what has become of the call.
    pub fn load<T>(
        &mut self,
        load: impl FnOnce(&mut Args<'a>) -> Result<T, LoadError>,
    ) -> Result<(T, Reply), Invoked> {
        let loaded = load(&mut self.args);
        self.let_go();
        match loaded {
            Ok(loaded) => Ok((loaded, self.take_reply())),
            Err(error) => Err(self.refuse_for(&error)),
        }
    }
}

impl Reply {
    /// What the method has given.
    pub fn result<R: Returns>(self, result: R) -> Completed {
        result.returned(self)
    }
}

impl Invoked {
    /// The method is asynchronous.
    pub fn run<F>(reply: Reply, method: impl FnOnce(Reply) -> F) -> Self
    where
        F: Future<Output = Completed> + Send + 'static,
    {
        let (wire, scope) = (reply.wire(), reply.scope());
        Self::Running(Running::new(Box::pin(method(reply)), wire, scope))
    }

    /// The method goes on as the future does.
    pub(crate) fn going_on(
        wire: Wire,
        method: impl Future<Output = Completed> + Send + 'static,
    ) -> Self {
        Self::Running(Running::new(Box::pin(method), wire, None))
    }

    /// The method runs to its end, even if its caller no longer waits for it.
    #[must_use]
    pub fn no_cancel(mut self) -> Self {
        match &mut self {
            Self::Done(_) => {}
            Self::Running(running) => running.no_cancel = true,
            Self::Blocking(blocking) => blocking.no_cancel = true,
        }
        self
    }

    /// The method may block its thread.
    pub fn block(reply: Reply, method: impl FnOnce(Reply) -> Completed + Send + 'static) -> Self {
        let wire = reply.wire();
        Self::Blocking(Blocking::new(Box::new(move || method(reply)), wire))
    }

    /// The method takes `&self` of an object of which others take `&mut self`: it runs in place
    /// unless one of those runs.
    pub fn read<T: Send + Sync + 'static>(
        target: Arc<Exclusive<T>>,
        reply: Reply,
        method: impl FnOnce(&T, Reply) -> Completed + Send + 'static,
    ) -> Self {
        if let Some(object) = target.try_read() {
            return Self::Done(method(&object, reply));
        }
        Self::run(reply, |reply| async move { method(&*target.read().await, reply) })
    }

    /// The method takes `&mut self`: it runs in place unless another one runs.
    pub fn write<T: Send + Sync + 'static>(
        target: Arc<Exclusive<T>>,
        reply: Reply,
        method: impl FnOnce(&mut T, Reply) -> Completed + Send + 'static,
    ) -> Self {
        if let Some(mut object) = target.try_write() {
            return Self::Done(method(&mut object, reply));
        }
        Self::run(reply, |reply| async move { method(&mut *target.write().await, reply) })
    }
}

/// Passes an object of this process by reference.
///
/// # Errors
/// [`DumpError::NoServer`] if this process serves no address; a limit of exports.
pub fn export<T: Service>(object: T, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
    dumper.export(Arc::new(object.into_cell()))
}
