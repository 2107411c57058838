//! Reads Marshal 4.8: the state of reading, and what is common to typed and dynamic values.

use super::{
    cursor::{Cursor, malformed, truncated},
    links::{Links, Place, unlinked},
    read_value::Shared,
    symbols::{Coding, Names, Span, Symbols, unknown_symbol},
    walk::{Walk, walk, walk_pairs},
};
use crate::{Limit, LoadError, LoadErrorKind, budget::Budget, budget::exceeded};

/// Reads one stream, value by value.
///
/// Typed values are made straight from the bytes: there is no table of objects. What a link means is
/// read again where it is (a replay), and where that is, is found out when the first link is met.
pub(crate) struct Reader<'de> {
    pub(super) stream: Stream<'de>,
    pub(super) budget: Budget,
    pub(super) depth: usize,
    /// What is to be done when containers end, the innermost last.
    tails: Vec<(usize, Tail<'de>)>,
    /// The depth of the last of them; `usize::MAX` if there is none.
    tail_depth: usize,
}

/// One stream. A value can hold another one, with tables of its own.
pub(super) struct Stream<'de> {
    pub(super) cursor: Cursor<'de>,
    pub(super) symbols: Symbols,
    /// How many objects have begun: the number of the next.
    pub(super) objects: usize,
    /// Above zero, what is read has been read before.
    pub(super) replays: usize,
    pub(super) links: Option<Box<Links>>,
    /// What has been loaded as dynamic values.
    pub(super) shared: Shared,
    /// What is behind a text of UTF-8, once there was one: one instance variable, with the number of its
    /// symbol.
    pub(super) utf8: Option<[u8; 4]>,
    /// The fields of the struct that came last.
    pub(super) names: Names,
}

/// What is to be done at the end of a container.
pub(super) enum Tail<'de> {
    /// Its instance variables follow.
    Ivars,
    /// A value follows: the default of a map.
    Value,
    /// It has been read because of a link.
    Return(Jump),
    /// It was in a stream of its own.
    Leave(Box<Stream<'de>>),
}

/// Where reading goes on after a replay.
#[derive(Clone, Copy)]
pub(super) struct Jump {
    pos: usize,
    objects: usize,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(bytes: &'de [u8], budget: Budget) -> Result<Self, LoadError> {
        Ok(Self {
            stream: Stream::new(bytes)?,
            budget,
            depth: 0,
            tails: Vec::new(),
            tail_depth: usize::MAX,
        })
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn reserve(&mut self, len: usize, size: usize) -> usize {
        // Each element takes at least a byte of what has arrived.
        self.budget.reserve(len.min(self.stream.cursor.left()), size).unwrap_or(0)
    }

    pub(crate) fn skip(&mut self) -> Result<(), LoadError> {
        walk(self)
    }

    /// A value begins.
    #[inline]
    pub(super) fn begin(&mut self) -> Result<(), LoadError> {
        self.budget.take_nodes(1)
    }

    /// A container begins.
    #[inline]
    pub(super) fn descend(&mut self) -> Result<(), LoadError> {
        if self.depth >= self.budget.depth {
            return Err(exceeded(Limit::Depth, self.budget.depth));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), LoadError> {
        self.depth = self.depth.saturating_sub(1);
        if self.tail_depth == self.depth {
            return self.run_tails();
        }
        Ok(())
    }

    /// Has `tail` done when the container that is about to begin has ended.
    pub(super) fn push_tail(&mut self, tail: Tail<'de>) {
        self.tails.push((self.depth, tail));
        self.tail_depth = self.depth;
    }

    /// How many tails there are.
    pub(super) fn tails(&self) -> usize {
        self.tails.len()
    }

    /// Forgets all but the first `count` tails.
    pub(super) fn forget_tails(&mut self, count: usize) {
        self.tails.truncate(count);
        self.tail_depth = self.tails.last().map_or(usize::MAX, |(depth, _)| *depth);
    }

    fn run_tails(&mut self) -> Result<(), LoadError> {
        while let Some((depth, _)) = self.tails.last()
            && *depth == self.depth
            && let Some((_, tail)) = self.tails.pop()
        {
            match tail {
                Tail::Ivars => walk_pairs(self)?,
                Tail::Value => walk(self)?,
                Tail::Return(jump) => self.jump_back(jump),
                Tail::Leave(outer) => self.leave(outer),
            }
        }
        self.tail_depth = self.tails.last().map_or(usize::MAX, |(depth, _)| *depth);
        Ok(())
    }

    /// Goes to where the object is that a link means. The link's type has been taken.
    pub(super) fn jump(&mut self) -> Result<Jump, LoadError> {
        let at = self.stream.cursor.pos;
        let number = self.stream.cursor.len()?;
        let place = self.place(number, at)?;
        Ok(self.jump_to(place))
    }

    pub(super) fn jump_to(&mut self, place: Place) -> Jump {
        let stream = &mut self.stream;
        let back = Jump { pos: stream.cursor.pos, objects: stream.objects };
        stream.cursor.pos = place.start as usize;
        stream.objects = place.before as usize;
        stream.replays += 1;
        back
    }

    pub(super) fn jump_back(&mut self, jump: Jump) {
        self.stream.cursor.pos = jump.pos;
        self.stream.objects = jump.objects;
        self.stream.replays = self.stream.replays.saturating_sub(1);
    }

    /// Where the object of that number is.
    pub(super) fn place(&mut self, number: usize, at: usize) -> Result<Place, LoadError> {
        if number >= self.stream.objects {
            return Err(unlinked(at));
        }
        self.links()?.get(number).ok_or_else(|| unlinked(at))
    }

    /// The objects of the stream.
    pub(super) fn links(&mut self) -> Result<&Links, LoadError> {
        if self.stream.links.is_none() {
            let links = Links::find(self.stream.cursor.bytes, VERSION, &self.budget)?;
            self.stream.links = Some(Box::new(links));
        }
        self.stream.links.as_deref().ok_or_else(truncated)
    }

    /// Reads what is in a stream of its own.
    pub(super) fn enter(&mut self, bytes: &'de [u8]) -> Result<Box<Stream<'de>>, LoadError> {
        self.descend()?;
        let outer = std::mem::replace(&mut self.stream, Stream::new(bytes)?);
        Ok(Box::new(outer))
    }

    pub(super) fn leave(&mut self, outer: Box<Stream<'de>>) {
        self.depth = self.depth.saturating_sub(1);
        self.stream = *outer;
    }

    /// Takes a symbol, and gives its name.
    #[inline]
    pub(super) fn name(&mut self) -> Result<&'de [u8], LoadError> {
        Ok(self.symbol_span()?.of(self.stream.cursor.bytes))
    }

    /// Takes a symbol.
    #[inline]
    pub(super) fn symbol_span(&mut self) -> Result<Span, LoadError> {
        let at = self.stream.cursor.pos;
        match self.stream.cursor.byte()? {
            b';' => {
                let number = self.stream.cursor.len()?;
                self.stream.symbols.get(number).ok_or_else(|| unknown_symbol(at))
            }
            b':' => self.define_symbol(),
            b'I' if self.stream.cursor.peek() == Some(b':') => {
                self.stream.cursor.pos += 1;
                self.define_encoded_symbol()
            }
            _ => Err(malformed(at, "no symbol where one must be")),
        }
    }

    #[inline]
    fn define_symbol(&mut self) -> Result<Span, LoadError> {
        let cursor = &mut self.stream.cursor;
        let len = cursor.len()?;
        // Streams are shorter than 4 GiB.
        let span = Span { start: cursor.pos as u32, len: len as u32, coding: Coding::Plain };
        cursor.take(len)?;
        if self.stream.replays == 0 {
            self.stream.symbols.define(span, self.budget.symbols)?;
        }
        Ok(span)
    }

    /// A symbol whose encoding follows it. It has its number before those of the encoding's name.
    fn define_encoded_symbol(&mut self) -> Result<Span, LoadError> {
        let number = self.stream.symbols.len();
        let mut span = self.define_symbol()?;
        self.descend()?;
        for _ in 0..self.stream.cursor.count(2)? {
            let name = self.name()?;
            span.coding = match self.stream.cursor.peek() {
                Some(b'T') if name == b"E" => Coding::Utf8,
                Some(b'F') if name == b"E" => Coding::Plain,
                _ => Coding::Named,
            };
            walk(self)?;
        }
        self.depth -= 1;
        if self.stream.replays == 0 {
            self.stream.symbols.set_coding(number, span.coding);
        }
        Ok(span)
    }
}

/// How many bytes the version takes.
pub(super) const VERSION: usize = 2;

impl<'de> Stream<'de> {
    fn new(bytes: &'de [u8]) -> Result<Self, LoadError> {
        let (&[major, minor], _) = bytes.split_first_chunk().ok_or_else(truncated)?;
        if major != 4 || minor > 8 {
            return Err(LoadErrorKind::Version { major, minor }.into());
        }
        if u32::try_from(bytes.len()).is_err() {
            return Err(exceeded(Limit::Frame, u32::MAX as usize));
        }
        Ok(Self {
            cursor: Cursor { bytes, pos: VERSION },
            symbols: Symbols::default(),
            objects: 0,
            replays: 0,
            links: None,
            shared: Shared::default(),
            utf8: None,
            names: Names::default(),
        })
    }
}

impl<'de> Walk<'de> for Reader<'de> {
    fn cursor(&mut self) -> &mut Cursor<'de> {
        &mut self.stream.cursor
    }

    fn node(&mut self) -> Result<(), LoadError> {
        self.begin()
    }

    fn symbol(&mut self) -> Result<Span, LoadError> {
        self.symbol_span()
    }

    fn deeper(&mut self) -> Result<(), LoadError> {
        self.descend()
    }

    fn shallower(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn open(&mut self, _start: usize, _before: usize) -> Result<usize, LoadError> {
        self.stream.objects += 1;
        Ok(self.stream.objects - 1)
    }

    fn objects(&self) -> usize {
        self.stream.objects
    }
}
