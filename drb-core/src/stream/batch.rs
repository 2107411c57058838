//! Items that go together: an array whose first element says what comes after it.
//!
//! It is `true` if there may be more items, `false` if these were the last ones, and `nil` if the last
//! element is an exception that stands in the place of an item. How many items are ready is only known
//! once they are written, so the length and the first element are filled in behind them.

use crate::{
    Budget, DumpError, Dumper, Error, Exception, Limit, Limits, Load, LoadError, LoadErrorKind,
    Loader, Outbound, Response, Value, buffer,
    dispatch::{Completed, Reply},
    dump::Codec,
    native::{Place, Tables},
};
use std::sync::Arc;

/// About so many bytes go together: what fits a frame of the native wire.
const BYTES: usize = 28 << 10;

/// What follows a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Perhaps more items.
    More,
    /// Nothing.
    End,
    /// An exception is its last element; then perhaps more items.
    Raised,
}

/// A batch that is being written.
pub(super) struct Filling<'d, 'a> {
    dumper: &'d mut Dumper<'a>,
    at: usize,
    len: usize,
    /// The most items.
    most: usize,
    /// When so many bytes are there, it is full.
    full: usize,
    /// The most bytes of one item.
    room: usize,
    /// When so many references are there, it is full; an item has so many at most.
    references: usize,
    error_text: usize,
}

impl<'d, 'a> Filling<'d, 'a> {
    /// An empty batch of at most `most` items.
    pub(super) fn new(
        dumper: &'d mut Dumper<'a>,
        limits: &Limits,
        most: usize,
    ) -> Result<Self, DumpError> {
        let at = dumper.begin_batch()?;
        // So an item always fits behind those that are there, and so do its references.
        let full = BYTES.min(limits.message / 4);
        let room = limits.message.saturating_sub(full + 64);
        let (references, error_text) = (limits.references / 2, limits.error_text);
        Ok(Self { dumper, at, len: 0, most, full, room, references, error_text })
    }

    pub(super) fn is_full(&self) -> bool {
        self.len >= self.most
            || self.dumper.written() - self.at >= self.full
            || self.dumper.references() >= self.references
    }

    /// Writes an item. Of one that cannot be dumped nothing is left.
    #[inline]
    pub(super) fn item(&mut self, item: impl Outbound) -> Result<(), Box<Failed>> {
        self.dumper.attempt(self.room, self.references, |dumper| item.send(dumper))?;
        self.len += 1;
        Ok(())
    }

    /// Ends it with an exception in the place of an item.
    pub(super) fn raise(mut self, mut exception: Exception) -> Result<(), DumpError> {
        // It may be that of a call that the stream has made: its refusal isn't ours.
        exception.refused = false;
        let cut = exception.cut(self.error_text);
        if self.item(&*cut).is_err() {
            // One that holds what cannot be dumped goes without its fields.
            let bare = Exception::new(cut.class.clone(), cut.message.clone());
            self.item(&bare).map_err(|failed| failed.error)?;
        }
        self.end(Next::Raised);
        Ok(())
    }

    pub(super) fn end(self, next: Next) {
        let Self { dumper, at, len, .. } = self;
        dumper.end_batch(at, len + 1, next);
    }
}

/// A batch without items.
pub(super) fn empty(reply: Reply) -> Completed {
    let limits = *reply.limits();
    reply.success(|dumper| {
        Filling::new(dumper, &limits, 1)?.end(Next::End);
        Ok(())
    })
}

/// A batch that has nothing but an exception.
pub(super) fn raised(reply: Reply, exception: Exception) -> Completed {
    let limits = *reply.limits();
    reply.success(|dumper| Filling::new(dumper, &limits, 1)?.raise(exception))
}

impl Dumper<'_> {
    /// Begins a batch, of which [`Dumper::end_batch`] says how long it has become, and gives its place.
    fn begin_batch(&mut self) -> Result<usize, DumpError> {
        match &mut self.codec {
            Codec::Marshal(writer) => writer.begin_batch(),
            Codec::Native(writer) => writer.begin_batch(),
        }
    }

    fn end_batch(&mut self, at: usize, len: usize, next: Next) {
        match &mut self.codec {
            Codec::Marshal(writer) => writer.end_batch(at, len, next),
            Codec::Native(writer) => writer.end_batch(at, len, next),
        }
    }

    /// Dumps a value of at most `room` bytes, with at most `most` references. Of one that cannot be dumped
    /// nothing is left, and what it has exported is taken back.
    #[inline]
    fn attempt(
        &mut self,
        room: usize,
        most: usize,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) -> Result<(), Box<Failed>> {
        let place = match &mut self.codec {
            Codec::Native(writer) => writer.place(),
            Codec::Marshal(_) => return self.try_elsewhere(room, most, dump),
        };
        let exported = self.exported();
        let dumped = dump(self);
        let bytes = self.written() - place.len;
        let references = self.references() - place.references;
        if dumped.is_ok() && bytes <= room && references <= most {
            return Ok(());
        }
        let fits = || fits((bytes, room), (references, most));
        self.undo(place, exported, dumped.and_then(|()| fits()))
    }

    #[cold]
    fn undo(
        &mut self,
        place: Place,
        exported: usize,
        dumped: Result<(), DumpError>,
    ) -> Result<(), Box<Failed>> {
        if let Codec::Native(writer) = &mut self.codec {
            writer.back_to(place);
        }
        self.take_back(exported);
        dumped.map_err(|error| Box::new(Failed { error, item: true }))
    }

    /// What was written as Marshal can't be taken back, because later values may be links to it. So whether
    /// it can be dumped is tried elsewhere.
    fn try_elsewhere(
        &mut self,
        room: usize,
        most: usize,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) -> Result<(), Box<Failed>> {
        let tried = Value::from_dump_with(self.session, |dumper| {
            dump(dumper)?;
            fits((dumper.written(), room), (dumper.references(), most))
        });
        let failed = |item| move |error| Box::new(Failed { error, item });
        let value = tried.map_err(failed(true))?;
        self.value(&value).map_err(failed(false))
    }
}

/// Why an item was not written.
pub(super) struct Failed {
    pub(super) error: DumpError,
    /// Whether it is the item's own fault, and the batch goes on.
    pub(super) item: bool,
}

/// Whether an item has no more bytes and references than one may have.
fn fits(bytes: (usize, usize), references: (usize, usize)) -> Result<(), DumpError> {
    match (bytes.0 > bytes.1, references.0 > references.1) {
        (true, _) => Err(DumpError::limit(Limit::Message, bytes.1)),
        (_, true) => Err(DumpError::limit(Limit::References, references.1)),
        _ => Ok(()),
    }
}

/// A batch that has arrived. On the native wire its items are loaded one by one, out of the message.
pub(super) struct Arrived {
    response: Response,
    place: usize,
    left: usize,
    next: Next,
    budget: Budget,
    /// Those of the session.
    tables: Option<Arc<Tables>>,
}

impl Arrived {
    /// What has arrived: the batch, or on Ruby's wire all that is in it.
    pub(super) fn open<V: Load>(response: Response) -> Result<Opened<V>, Error> {
        let body = response.bytes.get(response.body.clone()).unwrap_or_default();
        let session = response.session.as_deref();
        let tables = session.and_then(|session| session.tables());
        let budget = Budget::new(&response.limits, response.size());
        let opened = (|| {
            let mut loader = match tables {
                Some(tables) => {
                    Loader::native(body, tables, budget, session).before(response.tail.as_deref())
                }
                None => Loader::marshal_with(body, budget, session)?,
            };
            let (left, next) = begin(&mut loader)?;
            match loader.place() {
                Some((place, budget)) => Ok(Opening::Native { place, left, next, budget }),
                None => all(&mut loader, left, next).map(Opening::All),
            }
        })();
        match opened.map_err(Error::Load)? {
            Opening::All(all) => Ok(Opened::All(all)),
            Opening::Native { place, left, next, budget } => {
                let place = response.body.start + place;
                let session = response.session.as_deref();
                let tables = session.and_then(|session| session.tables()).cloned();
                Ok(Opened::Batch(Self { response, place, left, next, budget, tables }))
            }
        }
    }

    /// The next item, if there is one and nothing is to be said of it.
    #[inline]
    pub(super) fn take<V: Load>(&mut self) -> Option<V> {
        let left = self.left.checked_sub(1)?;
        // A large string at the end can be loaded once only.
        if left == 0 && (self.next == Next::Raised || self.response.tail.is_some()) {
            return None;
        }
        let Response { bytes, body, session, .. } = &self.response;
        let bytes = bytes.get(self.place..body.end)?;
        let mut loader =
            Loader::native(bytes, self.tables.as_deref()?, self.budget, session.as_deref());
        // If it fails, it is loaded again, by who can say why.
        let item = V::load(&mut loader).ok()?;
        let (read, budget) = loader.place()?;
        (self.left, self.place, self.budget) = (left, self.place + read, budget);
        Some(item)
    }

    /// The next item, or an exception in its place; `Err` with what follows if there is none.
    #[inline]
    pub(super) fn next<V: Load>(&mut self) -> Result<Result<Result<V, Exception>, Error>, Next> {
        let Some(left) = self.left.checked_sub(1) else { return Err(self.next) };
        self.left = left;
        let raised = left == 0 && self.next == Next::Raised;
        let Response { bytes, body, session, tail, .. } = &self.response;
        let (session, tail) = (session.as_deref(), tail.as_deref());
        let Some(tables) = session.and_then(|session| session.tables()) else {
            return Err(Next::End);
        };
        let bytes = bytes.get(self.place..body.end).unwrap_or_default();
        let mut loader = Loader::native(bytes, tables, self.budget, session).before(tail);
        let mut loaded = match raised {
            false => V::load(&mut loader).map(Ok),
            true => Exception::load(&mut loader).map(Err),
        };
        if loaded.is_err() {
            // It is in the place of its item alone.
            loader = Loader::native(bytes, tables, self.budget, session).before(tail);
            if let Err(malformed) = loader.skip() {
                loaded = Err(malformed);
                (self.left, self.next) = (0, Next::End);
            }
        }
        if let Some((read, budget)) = loader.place() {
            self.place += read;
            self.budget = budget;
        }
        Ok(loaded.map_err(Error::Load))
    }

    /// What follows its items, whether they have been taken or not.
    pub(super) fn follows(&self) -> Next {
        self.next
    }

    /// How many items are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Gives the memory back.
    pub(super) fn close(self) {
        buffer::give(self.response.bytes);
    }
}

enum Opening<V> {
    Native { place: usize, left: usize, next: Next, budget: Budget },
    All(All<V>),
}

pub(super) enum Opened<V> {
    Batch(Arrived),
    All(All<V>),
}

/// All items of a batch.
pub(super) struct All<V> {
    pub(super) items: Vec<V>,
    pub(super) raised: Option<Exception>,
    pub(super) next: Next,
}

/// How many elements follow the first one, and what that says.
fn begin(loader: &mut Loader<'_>) -> Result<(usize, Next), LoadError> {
    let len = loader.array()?;
    let left = len.checked_sub(1).ok_or_else(LoadError::truncated)?;
    let next = match loader.take_nil()? {
        true if left > 0 => Next::Raised,
        true => return Err(LoadErrorKind::Truncated.into()),
        false if loader.bool()? => Next::More,
        false => Next::End,
    };
    Ok((left, next))
}

fn all<V: Load>(loader: &mut Loader<'_>, left: usize, next: Next) -> Result<All<V>, LoadError> {
    let raised = usize::from(next == Next::Raised);
    let len = left - raised;
    let mut items = Vec::with_capacity(loader.reserve::<V>(len));
    for index in 0..len {
        items.push(V::load(loader).map_err(|error| error.at(index))?);
    }
    let raised = (raised > 0).then(|| Exception::load(loader)).transpose()?;
    Ok(All { items, raised, next })
}
