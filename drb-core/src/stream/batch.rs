//! Items that go together: an array whose first element says what comes after it.
//!
//! It is `true` if there may be more items, `false` if these were the last ones, and `nil` if the last
//! element is an exception that stands in the place of an item. How many items are ready is only known
//! once they are written, so the length and the first element are filled in behind them.

use crate::{
    Arrival, Budget, DumpError, Dumper, Error, Exception, Limit, Limits, Load, LoadError,
    LoadErrorKind, Loader, Outbound, Response, Session, Value, buffer,
    dispatch::{Completed, Reply},
    dump::Codec,
    native::Tables,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// About so many bytes go together: what fits a frame of the native wire.
const BYTES: usize = 28 << 10;

/// A batch takes about so long, so that items which take long go early, and nobody waits for long until the others
/// are there.
const TIME: Duration = Duration::from_micros(100);

/// How long it has taken is looked at after each of the first items, and then after twice as many, up to so many more.
const LOOK: usize = 512;

/// A reader loads so many items at a time at most, which take so many bytes of memory.
const MOST: usize = 128;
const SOME: usize = 4 << 10;

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
    /// With so many items it is full, or it is looked how long it has taken.
    stop: usize,
    began: Instant,
    /// When the reply has so many bytes, it is full.
    full: usize,
    /// The most bytes of one item.
    room: usize,
    /// When so many references are there, it is full; an item has so many at most.
    references: usize,
    error_text: usize,
    /// Where the last item ends.
    end: End,
}

/// How much of the reply was written.
#[derive(Debug, Clone, Copy)]
struct End {
    bytes: usize,
    references: usize,
    exported: usize,
}

impl End {
    fn of(dumper: &Dumper<'_>) -> Self {
        let (bytes, references) = dumper.so_far();
        Self { bytes, references, exported: dumper.exported() }
    }
}

impl<'d, 'a> Filling<'d, 'a> {
    /// An empty batch of at most so many items, whose making began at that time.
    pub(super) fn new(
        dumper: &'d mut Dumper<'a>,
        limits: &Limits,
        (most, began): (usize, Instant),
    ) -> Result<Self, DumpError> {
        let at = dumper.begin_batch()?;
        // So an item always fits behind those that are there, and so do its references.
        let full = BYTES.min(limits.message / 4);
        let (room, full) = (limits.message.saturating_sub(full + 64), at + full);
        let (references, error_text) = (limits.references / 2, limits.error_text);
        let end = End::of(dumper);
        Ok(Self {
            dumper,
            at,
            len: 0,
            most,
            stop: 1,
            began,
            full,
            room,
            references,
            error_text,
            end,
        })
    }

    #[inline]
    pub(super) fn is_full(&mut self) -> bool {
        self.end.bytes >= self.full || (self.len >= self.stop && self.has_to_stop())
    }

    #[inline(never)]
    fn has_to_stop(&mut self) -> bool {
        self.stop = (self.len + self.len.clamp(1, LOOK)).min(self.most);
        self.len >= self.most
            || now(self.dumper.session).saturating_duration_since(self.began) >= TIME
    }

    /// Writes an item. Of one that cannot be dumped nothing is left.
    #[inline]
    pub(super) fn item(&mut self, item: impl Outbound) -> Result<(), Box<Failed>> {
        match &mut self.dumper.codec {
            // What came before is to stay, whatever becomes of this.
            Codec::Native(writer) => writer.fetch(),
            Codec::Marshal(_) => return self.item_elsewhere(item),
        }
        let dumped = item.send(self.dumper);
        let (bytes, references) = self.dumper.so_far();
        // As nearly all items are, for which nothing else has to be looked at.
        let plain = dumped.is_ok() && references == self.end.references;
        if plain && bytes - self.end.bytes <= self.room {
            self.end.bytes = bytes;
            self.len += 1;
            return Ok(());
        }
        self.check(dumped)
    }

    /// Keeps the item that was dumped if it may be there.
    #[inline(never)]
    fn check(&mut self, dumped: Result<(), DumpError>) -> Result<(), Box<Failed>> {
        let end = End::of(self.dumper);
        let bytes = (end.bytes - self.end.bytes, self.room);
        let references = (end.references - self.end.references, self.references);
        match dumped.and_then(|()| fits(bytes, references)) {
            Ok(()) => {
                self.end = end;
                self.len += 1;
                self.full_of_references();
                Ok(())
            }
            Err(error) => {
                if let Codec::Native(writer) = &mut self.dumper.codec {
                    writer.back_to(self.end.bytes, self.end.references);
                }
                self.dumper.take_back(self.end.exported);
                Err(Box::new(Failed { error, item: true }))
            }
        }
    }

    /// No more fit than are there, if they have so many references.
    fn full_of_references(&mut self) {
        if self.end.references >= self.references {
            (self.most, self.stop) = (self.len, self.len);
        }
    }

    /// What was written as Marshal can't be taken back, because later values may be links to it. So whether
    /// it can be dumped is tried elsewhere.
    fn item_elsewhere(&mut self, item: impl Outbound) -> Result<(), Box<Failed>> {
        let tried = Value::from_dump_with(self.dumper.session, |dumper| {
            item.send(dumper)?;
            let (bytes, references) = dumper.so_far();
            fits((bytes, self.room), (references, self.references))
        });
        let failed = |item| move |error| Box::new(Failed { error, item });
        let value = tried.map_err(failed(true))?;
        self.dumper.value(&value).map_err(failed(false))?;
        self.end = End::of(self.dumper);
        self.len += 1;
        self.full_of_references();
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

/// The time, on the clock of whoever reads.
pub(super) fn now(session: Option<&dyn Session>) -> Instant {
    session.map_or_else(Instant::now, Session::now)
}

/// A batch without items.
pub(super) fn empty(reply: Reply) -> Completed {
    let limits = *reply.limits();
    reply.success(|dumper| {
        Filling::new(dumper, &limits, (1, Instant::now()))?.end(Next::End);
        Ok(())
    })
}

/// A batch that has nothing but an exception.
pub(super) fn raised(reply: Reply, exception: Exception) -> Completed {
    let limits = *reply.limits();
    reply.success(|dumper| Filling::new(dumper, &limits, (1, Instant::now()))?.raise(exception))
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
    /// Whether an item has failed.
    one_by_one: bool,
}

impl Arrived {
    /// What has arrived: the batch, or on Ruby's wire all that is in it.
    pub(super) fn open<V: Load>(response: Response) -> Result<Opened<V>, Error> {
        let body = response.bytes.get(response.body.clone()).unwrap_or_default();
        let (session, tables) = (response.carrier.session(), response.carrier.tables());
        let budget = Budget::new(response.carrier.limits(), response.size());
        let opened = (|| {
            let mut loader = match tables {
                Some(tables) => Loader::native(body, tables, budget, session),
                None => Loader::marshal_with(body, budget, session)?,
            };
            loader.end_with(response.tail.as_deref());
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
                let tables = response.carrier.tables().cloned();
                let one_by_one = false;
                Ok(Opened::Batch(Self { response, place, left, next, budget, tables, one_by_one }))
            }
        }
    }

    /// Loads some of the next items into `items`, the last one first. That takes less than one at a time.
    /// Says whether there are any; if one of them fails there are none, and all are taken with
    /// [`Arrived::next`], which says why.
    pub(super) fn load_some<V: Load>(&mut self, items: &mut Vec<V>) -> bool {
        // A large string at the end can be loaded once only.
        let apart = self.next == Next::Raised || self.response.tail.is_some();
        let plain = self.left.saturating_sub(usize::from(apart));
        let count = plain.min((SOME / size_of::<V>().max(1)).clamp(1, MOST));
        let Response { bytes, body, carrier, .. } = &self.response;
        let bytes = bytes.get(self.place..body.end).unwrap_or_default();
        let Some(tables) = self.tables.as_deref().filter(|_| !self.one_by_one) else {
            return false;
        };
        let mut loader = Loader::within(bytes, tables, self.budget, carrier.session());
        for _ in 0..count {
            match V::load(&mut loader) {
                Ok(item) => items.push(item),
                Err(_) => {
                    items.clear();
                    self.one_by_one = true;
                    return false;
                }
            }
        }
        if let Some((read, budget)) = loader.place() {
            items.reverse();
            (self.left, self.place, self.budget) = (self.left - count, self.place + read, budget);
        }
        count > 0
    }

    /// The next item, or an exception in its place; `Err` with what follows if there is none.
    #[inline]
    pub(super) fn next<V: Load>(&mut self) -> Result<Arrival<V>, Next> {
        let Some(left) = self.left.checked_sub(1) else { return Err(self.next) };
        self.left = left;
        let raised = left == 0 && self.next == Next::Raised;
        let Response { bytes, body, carrier, tail, .. } = &self.response;
        let (session, tail) = (carrier.session(), tail.as_deref());
        let Some(tables) = carrier.tables() else { return Err(Next::End) };
        let bytes = bytes.get(self.place..body.end).unwrap_or_default();
        let mut loader = Loader::within(bytes, tables, self.budget, session);
        loader.end_with(tail);
        let mut loaded = match raised {
            false => V::load(&mut loader).map(Ok),
            true => Exception::load(&mut loader).map(|exception| Err(Box::new(exception))),
        };
        if loaded.is_err() {
            // It is in the place of its item alone.
            loader = Loader::within(bytes, tables, self.budget, session);
            loader.end_with(tail);
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
    pub(super) raised: Option<Box<Exception>>,
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
    let raised = (raised > 0).then(|| Exception::load(loader).map(Box::new)).transpose()?;
    Ok(All { items, raised, next })
}
