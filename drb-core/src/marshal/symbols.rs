//! The symbols that a stream has defined so far, as places in its bytes.

use super::cursor::malformed;
use crate::{Limit, LoadError, Shape, budget::exceeded};

/// Where a symbol's name is.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) coding: Coding,
}

/// What encoding a symbol's name has.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Coding {
    /// None is given: ASCII, or bytes.
    #[default]
    Plain,
    /// UTF-8.
    Utf8,
    /// Another; its name follows the symbol's.
    Named,
}

/// The table of symbols. The first few need no allocation: most frames have no more.
#[derive(Default)]
pub(super) struct Symbols {
    first: [Span; FIRST],
    count: usize,
    rest: Vec<Span>,
}

const FIRST: usize = 8;

impl Span {
    #[inline]
    pub(super) fn of<'de>(&self, bytes: &'de [u8]) -> &'de [u8] {
        let start = self.start as usize;
        bytes.get(start..start + self.len as usize).unwrap_or_default()
    }
}

impl Symbols {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    #[inline]
    pub(super) fn get(&self, number: usize) -> Option<Span> {
        if number >= self.count {
            return None;
        }
        match self.first.get(number) {
            Some(span) => Some(*span),
            None => self.rest.get(number - FIRST).copied(),
        }
    }

    #[inline]
    pub(super) fn define(&mut self, span: Span, max: usize) -> Result<(), LoadError> {
        if self.count >= max {
            return Err(exceeded(Limit::Symbols, max));
        }
        match self.first.get_mut(self.count) {
            Some(slot) => *slot = span,
            None => self.rest.push(span),
        }
        self.count += 1;
        Ok(())
    }

    /// Says what encoding the symbol at `number` has turned out to have.
    pub(super) fn set_coding(&mut self, number: usize, coding: Coding) {
        if let Some(slot) = self.first.get_mut(number) {
            slot.coding = coding;
        } else if let Some(slot) = self.rest.get_mut(number - FIRST) {
            slot.coding = coding;
        }
    }
}

/// By which symbols a struct and its fields are named: those of one type tend to come together.
#[derive(Default)]
pub(super) struct Names {
    /// The address of the struct's shape.
    shape: usize,
    /// How such a struct begins, where that is short: its type, its class, how many fields it has.
    head: Option<[u8; 4]>,
    /// How the number of each field's symbol is written, where it was found to be one byte; else 0.
    numbers: [u8; NAMED],
}

const NAMED: usize = 16;

impl Names {
    /// Whether the symbol with a number that is written so was found to be the name of the field at `position`.
    #[inline]
    pub(super) fn is(&self, shape: &'static Shape, position: usize, number: u8) -> bool {
        self.shape == address(shape) && number != 0 && self.numbers.get(position) == Some(&number)
    }

    pub(super) fn found(&mut self, shape: &'static Shape, position: usize, number: u8) {
        if let Some(slot) = self.of(shape).numbers.get_mut(position) {
            *slot = number;
        }
    }

    /// How many fields a struct has that is found to begin as the one before.
    #[inline]
    pub(super) fn begun(&self, shape: &'static Shape, head: &[u8; 4]) -> Option<usize> {
        let [.., count] = head;
        (self.shape == address(shape) && self.head.as_ref() == Some(head))
            .then(|| usize::from(count.saturating_sub(5)))
    }

    pub(super) fn found_head(&mut self, shape: &'static Shape, head: &[u8]) {
        if let Ok(head @ [_, b';', _, 6..=127]) = <[u8; 4]>::try_from(head) {
            self.of(shape).head = Some(head);
        }
    }

    /// Those of a struct, which are still to be found if another one came last.
    fn of(&mut self, shape: &'static Shape) -> &mut Self {
        if self.shape != address(shape) {
            *self = Self { shape: address(shape), ..Self::default() };
        }
        self
    }
}

fn address(shape: &'static Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}

/// The error of a number that no symbol has.
#[cold]
pub(super) fn unknown_symbol(at: usize) -> LoadError {
    malformed(at, "a link to a symbol that has not been defined")
}
