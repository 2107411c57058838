//! What another process has answered, until it is loaded.

use crate::{
    Apart, Arrival, Budget, Error, Exception, Limits, Load, LoadError, Loader, Session, buffer,
    dispatch::Signature, native, ruby,
};
use std::{ops::Range, sync::Arc};

/// A reply in the form of its wire.
pub struct Response {
    /// Where the reply's bytes are.
    pub bytes: Vec<u8>,
    /// Which of them are the result or the exception.
    pub body: Range<usize>,
    /// Whether it is a result.
    pub success: bool,
    /// What the proxy knows of the method.
    pub signature: Option<&'static Signature>,
    /// What it has come over.
    pub carrier: Carrier,
    /// What it refers to, until it is loaded.
    pub held: native::Held,
    /// The string at its end, if that has travelled beside it.
    pub tail: Option<Arc<native::Tail>>,
}

/// What a reply has come over: it has the bounds for loading it, and references in it go through it.
#[derive(Clone)]
pub enum Carrier {
    /// A native connection.
    Connection(Arc<native::Connection>),
    /// Anything else.
    Other(Arc<Limits>, Option<Arc<dyn Session>>),
}

impl Carrier {
    /// The bounds.
    #[inline]
    pub fn limits(&self) -> &Limits {
        match self {
            Self::Connection(connection) => connection.limits(),
            Self::Other(limits, _) => limits,
        }
    }

    /// What references go through.
    #[inline]
    pub fn session(&self) -> Option<&dyn Session> {
        match self {
            Self::Connection(connection) => Some(&**connection),
            Self::Other(_, session) => session.as_deref(),
        }
    }

    /// The shapes that both sides know by number, on the native wire.
    #[inline]
    pub(crate) fn tables(&self) -> Option<&Arc<native::Tables>> {
        match self {
            Self::Connection(connection) => Some(connection.tables()),
            Self::Other(_, session) => session.as_ref()?.tables(),
        }
    }
}

impl Response {
    /// One in the form of Ruby's wire.
    pub fn ruby(
        bytes: Vec<u8>,
        head: ruby::ReplyHead,
        limits: Arc<Limits>,
        session: Option<Arc<dyn Session>>,
    ) -> Self {
        let ruby::ReplyHead { body, success, .. } = head;
        let carrier = Carrier::Other(limits, session);
        let (held, tail) = (native::Held::default(), None);
        Self { bytes, body, success, signature: None, carrier, held, tail }
    }

    /// All of it, for what keeps it.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            bytes: std::mem::take(&mut self.bytes),
            body: self.body.clone(),
            carrier: self.carrier.clone(),
            held: std::mem::take(&mut self.held),
            tail: self.tail.take(),
            ..*self
        }
    }

    /// How many bytes the result or the exception has.
    pub fn size(&self) -> usize {
        self.body.len() + self.tail.as_ref().map_or(0, |tail| tail.len())
    }

    /// If the two sides know the method differently, an error says so.
    #[cold]
    fn explain(&self, error: LoadError) -> LoadError {
        match (self.carrier.tables(), self.signature) {
            (Some(tables), Some(signature)) if error.may_be_apart() => {
                let found = tables.apart(signature);
                let apart = found.map(|found| Apart { expected: signature.to_string(), found });
                error.between(apart)
            }
            _ => error,
        }
    }

    /// The result, or the exception that came in its place.
    ///
    /// # Errors
    /// The reply cannot be loaded.
    pub fn load<T: Load>(&mut self) -> Arrival<T> {
        let body = self.bytes.get(self.body.clone()).unwrap_or_default();
        let load = |loader: &mut Loader<'_>| -> Result<Result<T, Box<Exception>>, LoadError> {
            match self.success {
                true => T::load(loader).map(Ok),
                false => Exception::load(loader).map(|exception| Err(Box::new(exception))),
            }
        };
        let (limits, session) = (self.carrier.limits(), self.carrier.session());
        let loaded = match self.carrier.tables() {
            None => {
                let loader = Loader::marshal(body, limits, session);
                loader.and_then(|mut loader| load(&mut loader))
            }
            Some(tables) => {
                let budget = Budget::new(limits, self.size());
                let mut loader = Loader::native(body, tables, budget, session);
                loader.end_with(self.tail.as_deref());
                loader.take_from(&mut self.held);
                load(&mut loader)
            }
        };
        let loaded = loaded.map_err(|error| Error::Load(self.explain(error)));
        buffer::give(std::mem::take(&mut self.bytes));
        loaded
    }
}
