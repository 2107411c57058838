//! The reply to a call, while it is being written.

use crate::{DumpError, Dumper, Exception, Limits, Session, Wire, block::Scope, ruby};
use std::sync::Arc;

/// Where a result goes: the buffer that the reply is written into.
pub struct Reply {
    bytes: Vec<u8>,
    wire: Wire,
    limits: Arc<Limits>,
    session: Option<Arc<dyn Session>>,
    /// The call, as the block that was passed to it sees it.
    scope: Option<Arc<Scope>>,
}

/// A finished reply.
#[derive(Debug)]
pub struct Completed {
    /// The reply in the form of its wire.
    pub bytes: Vec<u8>,
    /// The exception, if the call failed; it is in `bytes` already.
    pub failure: Option<Box<Exception>>,
}

impl Reply {
    /// An empty reply.
    pub fn new(wire: Wire, limits: &Arc<Limits>, session: Option<Arc<dyn Session>>) -> Self {
        Self { bytes: Vec::new(), wire, limits: Arc::clone(limits), session, scope: None }
    }

    /// The same, written into the memory of a buffer that is no longer needed.
    #[must_use]
    pub fn into_buffer(mut self, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        self.bytes = buffer;
        self
    }

    /// The protocol that it is written in.
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// The bounds that it keeps.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What references in it go through.
    pub fn session(&self) -> Option<&dyn Session> {
        self.session.as_deref()
    }

    /// An empty reply to the same call, in case that this one isn't written.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.wire, &self.limits, self.session.clone())
    }

    pub(super) fn set_scope(&mut self, scope: Arc<Scope>) {
        self.scope = Some(scope);
    }

    pub(super) fn scope(&self) -> Option<Arc<Scope>> {
        self.scope.clone()
    }

    /// A result, which `dump` writes. Where it cannot be dumped, the call fails instead.
    pub fn success(
        mut self,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) -> Completed {
        let written = match self.wire {
            Wire::Ruby => {
                let session = self.session.as_deref();
                ruby::reply::success(&mut self.bytes, &self.limits, session, dump)
            }
        };
        match written {
            Ok(()) => Completed { bytes: self.bytes, failure: None },
            Err(error) => self.fail(Exception::from(&error)),
        }
    }

    /// An exception that the method has raised.
    pub fn failure(self, mut exception: Exception) -> Completed {
        // It may be that of a call that the method has made: its refusal isn't ours.
        exception.refused = false;
        self.fail(exception)
    }

    /// An exception in place of the method's run.
    pub fn refusal(self, mut exception: Exception) -> Completed {
        exception.refused = true;
        self.fail(exception)
    }

    fn fail(mut self, exception: Exception) -> Completed {
        match self.wire {
            Wire::Ruby => ruby::reply::failure(
                &mut self.bytes,
                &self.limits,
                self.session.as_deref(),
                &exception,
            ),
        }
        Completed { bytes: self.bytes, failure: Some(Box::new(exception)) }
    }
}
