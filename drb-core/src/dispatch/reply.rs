//! The reply to a call, while it is being written.

use crate::{
    Dump, DumpError, Dumper, Exception, Limits, Session, Wire, block::Scope, buffer,
    native::Sending, ruby,
};
use std::{fmt, sync::Arc};

/// Where a result goes: the buffer that the reply is written into.
///
/// It goes from hand to hand, and so what it consists of stays where it is.
pub struct Reply(Box<Written>);

/// A finished reply.
#[derive(Debug)]
pub struct Completed(Box<Written>);

struct Written {
    /// The reply in the form of its wire.
    bytes: Vec<u8>,
    wire: Wire,
    limits: Arc<Limits>,
    session: Option<Arc<dyn Session>>,
    /// The call, as the block that was passed to it sees it.
    scope: Option<Arc<Scope>>,
    /// The exception, if the call failed; it is in `bytes` already.
    failure: Option<Box<Exception>>,
    /// What the native wire says of it.
    sending: Sending,
}

impl Completed {
    /// The exception, if the call failed.
    pub fn failure(&self) -> Option<&Exception> {
        self.0.failure.as_deref()
    }

    /// The reply in the form of its wire.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0.bytes
    }

    /// The same, and what the native wire says of it.
    pub fn message(&mut self) -> (&mut Vec<u8>, &mut Sending) {
        (&mut self.0.bytes, &mut self.0.sending)
    }

    /// All of it, to be sent.
    pub(crate) fn parts(&mut self) -> (&mut Vec<u8>, Option<&Exception>, &mut Sending) {
        let Written { bytes, failure, sending, .. } = &mut *self.0;
        (bytes, failure.as_deref(), sending)
    }

    /// Whether nothing of it has a destructor that does anything but give memory back.
    pub(crate) fn is_plain(&self) -> bool {
        let Written { scope, failure, sending, .. } = &*self.0;
        scope.is_none() && failure.is_none() && sending.refers_to_nothing()
    }

    /// An empty reply, to the next call of the same session, in the memory of this one, which was sent.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        let mut written = self.0;
        buffer::clear(&mut written.bytes);
        (written.scope, written.failure) = (None, None);
        written.sending = Sending::default();
        Reply(written)
    }
}

impl Reply {
    /// An empty reply.
    pub fn new(wire: Wire, limits: &Arc<Limits>, session: Option<Arc<dyn Session>>) -> Self {
        Self(Box::new(Written {
            bytes: Vec::new(),
            wire,
            limits: Arc::clone(limits),
            session,
            scope: None,
            failure: None,
            sending: Sending::default(),
        }))
    }

    /// The protocol that it is written in.
    pub fn wire(&self) -> Wire {
        self.0.wire
    }

    /// The bounds that it keeps.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What references in it go through.
    pub fn session(&self) -> Option<&dyn Session> {
        self.0.session.as_deref()
    }

    /// An empty reply to the same call, in case that this one isn't written.
    #[must_use]
    pub fn another(&self) -> Self {
        let Written { wire, limits, session, .. } = &*self.0;
        Self::new(*wire, limits, session.clone())
    }

    /// The call has a block: says so to those who run it.
    pub(super) fn begin_scope(&mut self) -> Arc<Scope> {
        let scope = Arc::new(Scope::new(self.another()));
        self.0.scope = Some(Arc::clone(&scope));
        scope
    }

    pub(super) fn scope(&self) -> Option<Arc<Scope>> {
        self.0.scope.clone()
    }

    /// A result, which `dump` writes. Where it cannot be dumped, the call fails instead.
    pub fn success(
        mut self,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) -> Completed {
        let Written { bytes, wire, limits, session, sending, .. } = &mut *self.0;
        let written = match wire {
            Wire::Ruby => ruby::reply::success(bytes, limits, session.as_deref(), dump),
            Wire::Native => sending.write(bytes, limits, session.as_ref(), dump),
        };
        match written {
            Ok(()) => Completed(self.0),
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
        let Written { bytes, wire, limits, session, .. } = &mut *self.0;
        match wire {
            Wire::Ruby => ruby::reply::failure(bytes, limits, session.as_deref(), &exception),
            Wire::Native => self.0.fail_native(&exception),
        }
        self.0.failure = Some(Box::new(exception));
        Completed(self.0)
    }
}

impl Written {
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

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, failure, .. } = self;
        f.debug_struct("Written")
            .field("bytes", &bytes.len())
            .field("failure", failure)
            .finish_non_exhaustive()
    }
}
