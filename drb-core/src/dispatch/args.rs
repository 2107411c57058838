//! The arguments of a call, loaded one after the other into what the method takes.

use crate::{
    Block, Budget, Kind, Limits, Load, LoadError, Loader, Remote, Session,
    block::{Scope, YieldArgs},
    error::LoadErrorKind,
    native::{Held, Tables, Tail},
};
use std::{ops::Range, sync::Arc};

/// The arguments of a call, in the order in which the method takes them: by position, then by
/// name.
///
/// The code that `#[drb::service]` makes calls it; nobody else needs to.
pub struct Args<'a> {
    /// The message that the arguments are in, and where in it.
    message: &'a [u8],
    streams: &'a [Range<usize>],
    /// The map of arguments by name, once [`Args::expect`] has found it.
    keywords: Option<&'a Range<usize>>,
    /// The positional argument that is next.
    next: usize,
    /// How many optional ones, and how many of the rest, are among those still to come.
    optional: usize,
    rest: usize,
    /// What all arguments together may still cost.
    budget: Budget,
    session: Option<&'a dyn Session>,
    /// The shapes that they refer to, on the native wire.
    tables: Option<&'a Arc<Tables>>,
    /// The string that has travelled beside the message, which ends with it.
    tail: Option<&'a Arc<Tail>>,
    /// The caller's block, and the call that it belongs to. (Few calls have one, and all are moved about.)
    block: Option<Box<(Caller<'a>, Arc<Scope>)>>,
}

/// The caller's block.
#[derive(Clone)]
pub(super) enum Caller<'a> {
    /// A reference to it, on Ruby's wire.
    Stream(&'a [u8]),
    /// The way to it.
    Remote(Remote),
}

/// The arguments of a call, kept for a while.
#[derive(Debug)]
pub struct OwnedArgs {
    message: Vec<u8>,
    streams: Vec<Range<usize>>,
    budget: Budget,
    tables: Option<Arc<Tables>>,
    tail: Option<Arc<Tail>>,
    /// What they refer to.
    held: Option<Held>,
}

/// The arguments of a proc: see [`Args::of_proc`].
pub struct ProcArgs<'s, 'a> {
    args: &'s mut Args<'a>,
    /// The one array that is taken apart, and how many of its elements are left.
    array: Option<(Loader<'a>, usize)>,
}

/// The arguments by name that follow those by position.
pub struct Keywords<'a> {
    loader: Option<Loader<'a>>,
    left: usize,
    name: String,
}

impl<'a> Args<'a> {
    /// The arguments of a call on Ruby's wire: one Marshal stream each, at `streams` of `message`.
    pub fn marshal(
        message: &'a [u8],
        streams: &'a [Range<usize>],
        limits: &'a Limits,
        session: Option<&'a dyn Session>,
    ) -> Self {
        let budget = Budget::new(limits, message.len());
        Self {
            message,
            streams,
            keywords: None,
            next: 0,
            optional: 0,
            rest: 0,
            budget,
            session,
            tables: None,
            tail: None,
            block: None,
        }
    }

    /// The arguments of a call on the native wire, at `streams` of `message`.
    pub fn native(
        message: &'a [u8],
        streams: &'a [Range<usize>],
        limits: &'a Limits,
        tables: &'a Arc<Tables>,
        session: Option<&'a dyn Session>,
    ) -> Self {
        Self { tables: Some(tables), ..Self::marshal(message, streams, limits, session) }
    }

    /// The same with the string that has travelled beside the message.
    pub(crate) fn before(mut self, tail: Option<&'a Arc<Tail>>, limits: &Limits) -> Self {
        if let Some(tail) = tail {
            self.tail = Some(tail);
            self.budget = Budget::new(limits, self.message.len().saturating_add(tail.len()));
        }
        self
    }

    /// Adds a block: a reference to it, as one Marshal stream of the message.
    pub(super) fn pass_at(&mut self, stream: Range<usize>, scope: Arc<Scope>) {
        let stream = self.message.get(stream).unwrap_or_default();
        self.pass(Caller::Stream(stream), scope);
    }

    /// Adds a block.
    pub(super) fn pass(&mut self, caller: Caller<'a>, scope: Arc<Scope>) {
        self.block = Some(Box::new((caller, scope)));
    }

    /// Opens a value of the message.
    fn open(&self, stream: Range<usize>) -> Result<Loader<'a>, LoadError> {
        match self.tables {
            Some(tables) => Ok(self.open_native(stream, tables)),
            None => {
                let stream = self.message.get(stream).unwrap_or_default();
                Loader::marshal_with(stream, self.budget, self.session)
            }
        }
    }

    #[inline(always)]
    fn open_native(&self, stream: Range<usize>, tables: &'a Tables) -> Loader<'a> {
        let tail = self.tail.filter(|_| stream.end == self.message.len());
        let stream = self.message.get(stream).unwrap_or_default();
        let mut loader = Loader::native(stream, tables, self.budget, self.session);
        loader.end_with(tail.map(|tail| &**tail));
        loader
    }

    /// The caller's block.
    ///
    /// # Errors
    /// There is none, or what is there is no reference.
    pub fn block<A: YieldArgs, R: Load>(&mut self) -> Result<Block<A, R>, LoadError> {
        self.optional_block()?.ok_or_else(|| LoadErrorKind::NoBlock.into())
    }

    /// The caller's block, if there is one.
    ///
    /// # Errors
    /// What is there is no reference.
    pub fn optional_block<A: YieldArgs, R: Load>(
        &mut self,
    ) -> Result<Option<Block<A, R>>, LoadError> {
        let Some((caller, scope)) = self.block.take().map(|block| *block) else { return Ok(None) };
        let remote = match caller {
            Caller::Remote(remote) => remote,
            Caller::Stream(stream) => {
                let mut loader = Loader::marshal_with(stream, self.budget, self.session)?;
                Remote::load(&mut loader).map_err(|error| error.within("the block"))?
            }
        };
        Ok(Some(Block::new(remote, scope)))
    }

    /// The arguments as those of a proc with `count` parameters. As in Ruby, one array for several
    /// parameters is taken apart.
    ///
    /// # Errors
    /// What is there is malformed.
    pub fn of_proc(&mut self, count: usize) -> Result<ProcArgs<'_, 'a>, LoadError> {
        let mut array = None;
        if let (true, [stream]) = (count > 1, self.streams) {
            let mut loader = self.open(stream.clone())?;
            if loader.kind()? == Kind::Array {
                let len = loader.array()?;
                array = Some((loader, len));
            }
        }
        Ok(ProcArgs { args: self, array })
    }

    /// A copy of the arguments that outlives the message. Its references are loaded through the
    /// session that [`OwnedArgs::args`] is given.
    pub(super) fn to_owned(&self) -> OwnedArgs {
        let mut message = Vec::new();
        let streams = self.streams.iter().map(|stream| {
            let start = message.len();
            message.extend_from_slice(self.message.get(stream.clone()).unwrap_or_default());
            start..message.len()
        });
        let streams = streams.collect();
        OwnedArgs {
            message,
            streams,
            budget: self.budget,
            tables: self.tables.cloned(),
            tail: self.tail.cloned(),
            held: None,
        }
    }

    /// How many arguments there are, keywords together counting as one.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Checks the number of arguments by position, as Ruby does. A method without keywords takes
    /// keywords as a last map, and an empty one not at all.
    ///
    /// # Errors
    /// [`LoadErrorKind::Arity`], with Ruby's text.
    pub fn expect(
        &mut self,
        required: usize,
        optional: usize,
        rest: bool,
        keywords: bool,
    ) -> Result<(), LoadError> {
        if let Some((last, before)) = self.streams.split_last()
            && let Some(count) = self.count_keywords(last)?
            && (keywords || count == 0)
        {
            self.streams = before;
            self.keywords = (count > 0).then_some(last);
        }
        let given = self.streams.len();
        if given < required || (given > required + optional && !rest) {
            let expected = match (optional, rest) {
                (_, true) => format!("{required}+"),
                (0, false) => required.to_string(),
                (_, false) => format!("{required}..{}", required + optional),
            };
            return Err(LoadErrorKind::Arity { given, expected }.into());
        }
        self.optional = (given - required).min(optional);
        self.rest = given - required - self.optional;
        Ok(())
    }

    /// The next argument by position.
    ///
    /// # Errors
    /// It is not a `T`.
    pub fn required<T: Load>(&mut self, name: &'static str) -> Result<T, LoadError> {
        let given = self.streams.len();
        let Some(stream) = self.streams.get(self.next) else {
            // `expect` has counted fewer than the method then asks for.
            return Err(LoadErrorKind::Arity { given, expected: format!("{}+", given + 1) }.into());
        };
        self.next += 1;
        self.load(stream.clone()).map_err(|error| error.within(name))
    }

    /// The next argument by position, if there is one. (Required ones behind it are left for
    /// those.)
    ///
    /// # Errors
    /// It is not a `T`.
    pub fn optional<T: Load>(&mut self, name: &'static str) -> Result<Option<T>, LoadError> {
        if self.optional == 0 {
            return Ok(None);
        }
        self.optional -= 1;
        self.required(name).map(Some)
    }

    /// All further arguments by position. (Required ones behind them are left for those.)
    ///
    /// # Errors
    /// One of them is not a `T`.
    pub fn rest<T: Load>(&mut self, name: &'static str) -> Result<Vec<T>, LoadError> {
        let end = self.next + self.rest;
        let streams = self.streams.get(self.next..end).unwrap_or_default();
        self.next = end;
        self.rest = 0;
        let load = |(index, stream): (usize, &Range<usize>)| {
            self.load(stream.clone()).map_err(|error| error.at(index).within(name))
        };
        streams.iter().enumerate().map(load).collect()
    }

    /// The arguments by name. To be called last.
    ///
    /// # Errors
    /// They are malformed.
    pub fn keywords(&self) -> Result<Keywords<'a>, LoadError> {
        let mut keywords = Keywords { loader: None, left: 0, name: String::new() };
        if let Some(stream) = self.keywords {
            let mut loader = self.open(stream.clone())?;
            keywords.left = loader.keywords()?.unwrap_or(0);
            keywords.loader = Some(loader);
        }
        Ok(keywords)
    }

    fn load<T: Load>(&mut self, stream: Range<usize>) -> Result<T, LoadError> {
        // A loader is large: it is made where it is used, for either wire.
        match self.tables {
            Some(tables) => {
                let mut loader = self.open_native(stream, tables);
                self.load_from(&mut loader)
            }
            None => {
                let mut loader = self.open(stream)?;
                self.load_from(&mut loader)
            }
        }
    }

    #[inline]
    fn load_from<T: Load>(&mut self, loader: &mut Loader<'a>) -> Result<T, LoadError> {
        let value = T::load(loader)?;
        self.budget.leave(loader.left());
        Ok(value)
    }

    /// How many keywords the stream holds, if it holds keywords.
    fn count_keywords(&self, stream: &Range<usize>) -> Result<Option<usize>, LoadError> {
        // Nearly no argument begins as keywords do, and then the rest can be spared.
        match (self.tables, self.message.get(stream.clone())) {
            (None, Some([_, _, b'I', b'{' | b'}', ..]))
            | (Some(_), Some([0x90..=0x9f, 0xc7..=0xd8, ..] | [0xdc | 0xdd, ..])) => {
                self.open(stream.clone())?.keywords()
            }
            _ => Ok(None),
        }
    }
}

impl OwnedArgs {
    pub(super) fn holding(mut self, held: Option<Held>) -> Self {
        self.held = held;
        self
    }

    /// The arguments.
    pub fn args<'a>(&'a self, session: Option<&'a dyn Session>) -> Args<'a> {
        let Self { message, streams, budget, tables, tail, .. } = self;
        Args {
            message,
            streams,
            keywords: None,
            next: 0,
            optional: 0,
            rest: 0,
            budget: *budget,
            session,
            tables: tables.as_ref(),
            tail: tail.as_ref(),
            block: None,
        }
    }
}

impl ProcArgs<'_, '_> {
    /// The next argument; nil if there are no more.
    ///
    /// # Errors
    /// It is not a `T`.
    pub fn take<T: Load>(&mut self) -> Result<T, LoadError> {
        let index = self.args.next;
        self.args.next += 1;
        let loaded = match &mut self.array {
            Some((_, 0)) => nil(),
            Some((loader, left)) => {
                *left -= 1;
                T::load(loader)
            }
            None => match self.args.streams.get(index) {
                Some(stream) => self.args.load(stream.clone()),
                None => nil(),
            },
        };
        loaded.map_err(|error| error.at(index).within("the block's arguments"))
    }
}

/// What stands for an argument that is not there.
fn nil<T: Load>() -> Result<T, LoadError> {
    T::load(&mut Loader::marshal(b"\x04\x080", &Limits::default(), None)?)
}

impl Keywords<'_> {
    /// The position in `names` of the next keyword, whose value is then to be loaded;
    /// `names.len()` for one that is not among them; `None` at the end.
    ///
    /// # Errors
    /// The bytes are malformed, or a key is no name.
    pub fn next(&mut self, names: &[&str]) -> Result<Option<usize>, LoadError> {
        let Some(loader) = &mut self.loader else { return Ok(None) };
        if self.left == 0 {
            loader.end()?;
            self.loader = None;
            return Ok(None);
        }
        self.left -= 1;
        let name = loader.symbol()?;
        self.name.clear();
        self.name.push_str(&name);
        let position = names.iter().position(|known| **known == *name);
        Ok(Some(position.unwrap_or(names.len())))
    }

    /// The name of the keyword that [`Keywords::next`] has found.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of the keyword that [`Keywords::next`] has found.
    ///
    /// # Errors
    /// It is not a `T`.
    pub fn value<T: Load>(&mut self) -> Result<T, LoadError> {
        match &mut self.loader {
            Some(loader) => T::load(loader).map_err(|error| error.within(self.name.clone())),
            None => Err(LoadErrorKind::Truncated.into()),
        }
    }

    /// An error: the method has no such keyword.
    pub fn unknown(&self) -> LoadError {
        LoadErrorKind::UnknownKeyword { name: self.name.clone() }.into()
    }

    /// An error: a keyword that has to be there is not.
    pub fn missing(&self, name: &'static str) -> LoadError {
        LoadErrorKind::MissingKeyword { name }.into()
    }
}
