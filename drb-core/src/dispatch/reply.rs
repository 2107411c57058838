//! The reply to a call, while it is being written.

use crate::{
    Dump, DumpError, Dumper, Exception, Limits, Session, Wire, block::Scope, native::Sending, ruby,
};
use std::sync::Arc;

/// Where a result goes: the buffer that the reply is written into.
pub struct Reply {
    bytes: Vec<u8>,
    wire: Wire,
    limits: Arc<Limits>,
    session: Option<Arc<dyn Session>>,
    /// The call, as the block that was passed to it sees it.
    scope: Option<Arc<Scope>>,
    /// What the native wire says of it.
    sending: Sending,
}

/// A finished reply.
#[derive(Debug)]
pub struct Completed {
    /// The reply in the form of its wire.
    pub bytes: Vec<u8>,
    /// The exception, if the call failed; it is in `bytes` already.
    pub failure: Option<Box<Exception>>,
    /// What the native wire says of it.
    pub sending: Sending,
}

impl Reply {
    /// An empty reply.
    pub fn new(wire: Wire, limits: &Arc<Limits>, session: Option<Arc<dyn Session>>) -> Self {
        Self {
            bytes: Vec::new(),
            wire,
            limits: Arc::clone(limits),
            session,
            scope: None,
            sending: Sending::default(),
        }
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

    /// The call has a block: says so to those who run it.
    pub(super) fn begin_scope(&mut self) -> Arc<Scope> {
        let scope = Arc::new(Scope::new(self.another()));
        self.scope = Some(Arc::clone(&scope));
        scope
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
            Wire::Native => {
                self.sending.write(&mut self.bytes, &self.limits, self.session.as_ref(), dump)
            }
        };
        match written {
            Ok(()) => Completed { bytes: self.bytes, failure: None, sending: self.sending },
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
            Wire::Native => self.fail_native(&exception),
        }
        let failure = Some(Box::new(exception));
        Completed { bytes: self.bytes, failure, sending: self.sending }
    }

    /// An exception with a shorter text, or without its fields, if it cannot go as it is.
    fn fail_native(&mut self, exception: &Exception) {
        let Self { bytes, limits, session, sending, .. } = self;
        let cut = exception.cut(limits.error_text);
        if sending.write(bytes, limits, session.as_ref(), |dumper| cut.dump(dumper)).is_ok() {
            return;
        }
        let mut bare = Exception::new(cut.class.clone(), cut.message.clone());
        bare.refused = cut.refused;
        // Nothing but texts is in it, so no limit of the default ones can refuse it.
        let written = sending.write(bytes, &Limits::default(), None, |dumper| bare.dump(dumper));
        debug_assert!(written.is_ok());
    }
}
