//! Where the objects of a stream are: found by one walk over it, when the first link is met.

use super::{
    cursor::{Cursor, malformed},
    symbols::{Span, unknown_symbol},
    walk::{Walk, walk},
};
use crate::{Limit, LoadError, budget::Budget, budget::exceeded};

/// The objects of a stream.
#[derive(Default)]
pub(super) struct Links {
    objects: Vec<Place>,
}

/// Where an object is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The first of its bytes.
    pub(super) start: u32,
    /// How many objects begin before that. (Some objects get their number late.)
    pub(super) before: u32,
    /// Whether there is a link to it.
    pub(super) linked: bool,
    /// Whether there is one from within itself.
    pub(super) cyclic: bool,
    open: bool,
}

impl Links {
    /// Walks over the stream, whose value begins at `start`.
    pub(super) fn find(bytes: &[u8], start: usize, budget: &Budget) -> Result<Self, LoadError> {
        let mut finder = Finder {
            cursor: Cursor { bytes, pos: start },
            objects: Vec::new(),
            symbols: 0,
            depth: 0,
            nodes: 0,
            budget,
        };
        walk(&mut finder)?;
        Ok(Self { objects: finder.objects })
    }

    pub(super) fn get(&self, number: usize) -> Option<Place> {
        self.objects.get(number).copied()
    }
}

struct Finder<'de, 'a> {
    cursor: Cursor<'de>,
    objects: Vec<Place>,
    symbols: usize,
    depth: usize,
    nodes: usize,
    budget: &'a Budget,
}

impl<'de> Walk<'de> for Finder<'de, '_> {
    fn cursor(&mut self) -> &mut Cursor<'de> {
        &mut self.cursor
    }

    fn node(&mut self) -> Result<(), LoadError> {
        // Not of the message's budget: what is walked over here is loaded besides. The walk is
        // bounded all the same, as it remembers each object.
        self.nodes += 1;
        if self.nodes > self.budget.max_nodes() {
            return Err(exceeded(Limit::Nodes, self.budget.max_nodes()));
        }
        Ok(())
    }

    fn symbol(&mut self) -> Result<Span, LoadError> {
        let at = self.cursor.pos;
        match self.cursor.byte()? {
            b':' => {
                self.cursor.sized()?;
                self.symbols += 1;
            }
            b';' => {
                let number = self.cursor.len()?;
                if number >= self.symbols {
                    return Err(unknown_symbol(at));
                }
            }
            b'I' if self.cursor.peek() == Some(b':') => {
                self.cursor.byte()?;
                self.cursor.sized()?;
                self.symbols += 1;
                super::walk::walk_pairs(self)?;
            }
            _ => return Err(malformed(at, "no symbol where one must be")),
        }
        Ok(Span::default())
    }

    fn deeper(&mut self) -> Result<(), LoadError> {
        self.depth += 1;
        if self.depth > self.budget.depth {
            return Err(exceeded(Limit::Depth, self.budget.depth));
        }
        Ok(())
    }

    fn shallower(&mut self) {
        self.depth -= 1;
    }

    fn open(&mut self, start: usize, before: usize) -> Result<usize, LoadError> {
        // Streams are shorter than 4 GiB; see `Reader::new`.
        let (start, before) = (start as u32, before as u32);
        self.objects.push(Place { start, before, linked: false, cyclic: false, open: true });
        Ok(self.objects.len() - 1)
    }

    fn close(&mut self, object: usize) {
        if let Some(place) = self.objects.get_mut(object) {
            place.open = false;
        }
    }

    fn objects(&self) -> usize {
        self.objects.len()
    }

    fn link(&mut self, number: usize, at: usize) -> Result<(), LoadError> {
        let place = self.objects.get_mut(number).ok_or_else(|| unlinked(at))?;
        place.linked = true;
        place.cyclic |= place.open;
        Ok(())
    }
}

/// The error of a number that no object has.
#[cold]
pub(super) fn unlinked(at: usize) -> LoadError {
    malformed(at, "a link to an object that has not been there")
}
