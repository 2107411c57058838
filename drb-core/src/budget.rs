//! What is left of the bounds of one message while it is being loaded.

use crate::{Limit, Limits, LoadError, LoadErrorKind};

/// What one message may still cost. It is passed on from frame to frame of the message, so that
/// many small frames cannot do what one large frame cannot.
///
/// ```
/// use drb_core::{Budget, Limits, Load, Loader};
///
/// # fn main() -> Result<(), drb_core::LoadError> {
/// let frames: [&[u8]; 2] = [b"\x04\x08i\x06", b"\x04\x08T"];
/// let mut budget = Budget::new(&Limits::default(), 8);
/// let mut loader = Loader::marshal_with(frames[0], budget, None)?;
/// assert_eq!(i64::load(&mut loader)?, 1);
/// budget = loader.budget();
/// let mut loader = Loader::marshal_with(frames[1], budget, None)?;
/// assert!(bool::load(&mut loader)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Values that may still be read.
    nodes: usize,
    /// Bytes of memory that may still be taken.
    memory: usize,
    /// References that may still be read.
    references: usize,
    /// Of what more was claimed than there was: no value comes any more.
    spent: Option<Limit>,
    /// What the three began with, for errors.
    full: [usize; 3],
    /// How deep values may nest.
    pub(crate) depth: usize,
    /// Bytes of an integer's magnitude.
    pub(crate) integer: usize,
    /// Distinct symbols of a frame.
    pub(crate) symbols: usize,
    /// Bytes to allocate on a claim.
    pub(crate) preallocation: usize,
}

impl Budget {
    /// The budget of a message of `bytes` bytes.
    #[inline]
    pub fn new(limits: &Limits, bytes: usize) -> Self {
        let full = [limits.nodes, limits.memory_for(bytes), limits.references];
        Self {
            nodes: full[0],
            memory: full[1],
            references: full[2],
            spent: None,
            full,
            depth: limits.depth,
            integer: limits.integer,
            symbols: limits.symbols,
            preallocation: limits.preallocation,
        }
    }

    /// No bounds but that of the depth: for what this process has made itself.
    pub(crate) fn trusting() -> Self {
        let limits = Limits {
            nodes: usize::MAX,
            memory_base: usize::MAX,
            memory: usize::MAX,
            references: usize::MAX,
            symbols: usize::MAX,
            integer: usize::MAX,
            ..Limits::default()
        };
        Self::new(&limits, 0)
    }

    /// Leaves what is left of it elsewhere, where a part of the message was loaded.
    #[inline]
    pub(crate) fn leave(&mut self, left: &Self) {
        (self.nodes, self.memory) = (left.nodes, left.memory);
        (self.references, self.spent) = (left.references, left.spent);
    }

    /// How many values may still be read.
    pub(crate) fn nodes_left(&self) -> usize {
        self.nodes
    }

    /// How many values the whole message may have.
    pub(crate) fn max_nodes(&self) -> usize {
        self.full[0]
    }

    /// Takes the memory of `len` values of `size` bytes, which are yet to come, and gives for how many of them
    /// to allocate at once. `None` if there isn't so much: then no value comes any more, and the next one is
    /// refused.
    #[inline]
    pub(crate) fn reserve(&mut self, len: usize, size: usize) -> Option<usize> {
        let bytes = len.saturating_mul(size);
        match self.memory.checked_sub(bytes) {
            Some(left) => self.memory = left,
            None => return self.overdraw(),
        }
        Some(if bytes <= self.preallocation { len } else { self.preallocation / size.max(1) })
    }

    #[cold]
    fn overdraw(&mut self) -> Option<usize> {
        self.nodes = 0;
        self.spent = Some(Limit::Memory);
        None
    }

    /// Takes `count` values.
    #[inline]
    pub(crate) fn take_nodes(&mut self, count: usize) -> Result<(), LoadError> {
        match self.nodes.checked_sub(count) {
            Some(left) => {
                self.nodes = left;
                Ok(())
            }
            None => Err(self.out_of_nodes()),
        }
    }

    /// Takes so many values and so much memory. `None` if there isn't so much of both: then nothing is taken, and
    /// whoever takes the one and the other says why.
    #[inline]
    pub(crate) fn try_take(&mut self, nodes: usize, memory: usize) -> Option<()> {
        (self.nodes, self.memory) =
            (self.nodes.checked_sub(nodes)?, self.memory.checked_sub(memory)?);
        Some(())
    }

    /// What is left after so many values, and whether there were so many; if not, no value comes any more.
    #[inline(always)]
    pub(crate) fn after(self, count: usize) -> (Self, bool) {
        match self.nodes.checked_sub(count) {
            Some(nodes) => (Self { nodes, ..self }, true),
            None => (Self { spent: self.spent.or(Some(Limit::Nodes)), ..self }, false),
        }
    }

    #[cold]
    fn out_of_nodes(&mut self) -> LoadError {
        self.spent = self.spent.or(Some(Limit::Nodes));
        self.ended()
    }

    /// Why no value comes any more where nothing is left to be read.
    #[cold]
    pub(crate) fn ended(&self) -> LoadError {
        match self.spent {
            Some(Limit::Memory) => exceeded(Limit::Memory, self.full[1]),
            Some(_) => exceeded(Limit::Nodes, self.full[0]),
            None => LoadError::truncated(),
        }
    }

    /// Takes `bytes` bytes of memory.
    #[inline]
    pub(crate) fn take_memory(&mut self, bytes: usize) -> Result<(), LoadError> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(exceeded(Limit::Memory, self.full[1])),
        }
    }

    /// Takes a reference.
    pub(crate) fn take_reference(&mut self) -> Result<(), LoadError> {
        match self.references.checked_sub(1) {
            Some(left) => {
                self.references = left;
                Ok(())
            }
            None => Err(exceeded(Limit::References, self.full[2])),
        }
    }
}

/// The error of exceeding `limit`, which allows `max`.
#[cold]
pub(crate) fn exceeded(limit: Limit, max: usize) -> LoadError {
    LoadErrorKind::Limit { limit, max }.into()
}
