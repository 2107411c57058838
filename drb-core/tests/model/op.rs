//! What may happen, in any order.

use crate::thing::Method;

/// One step. Numbers choose among what there is when the step is made.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// A call is made.
    Call(Box<Call>),
    /// A program lets go of a reference.
    Drop { by: usize, which: usize },
    /// It holds one twice.
    Clone { by: usize, which: usize },
    /// It lets go of an object of its own, which others may hold.
    Forget { by: usize, which: usize },
    /// It takes one back from everybody.
    Revoke { by: usize, which: usize },
    /// A caller waits no longer.
    Cancel { which: usize },
    /// A method that waits goes on.
    Open { by: usize, which: usize },
    /// About so many bytes are sent.
    Transmit { by: usize, most: usize },
    /// So many bytes arrive.
    Deliver { to: usize, bytes: usize },
    /// So many milliseconds go by.
    Advance(u64),
    /// A peer gives back what it hasn't got.
    Hostile { by: usize, slot: u8, generation: u8, count: u8 },
    /// A peer gives back a promise of its own that it has not made, or that it goes on to use.
    Break { by: usize, promise: u8 },
    /// A program lets go of an object before it is there, or afterwards.
    Renounce { by: usize, which: usize },
    /// All that is under way arrives.
    Settle,
    /// The connection ends, perhaps before what is on its way has arrived.
    End { by: usize, lose: bool },
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) by: usize,
    /// The front, a reference that is held, or an object that another call is going to give.
    pub(crate) target: usize,
    pub(crate) method: Method,
    /// What it refers to.
    pub(crate) given: Vec<usize>,
    /// What it asks to be given.
    pub(crate) wanted: Vec<u64>,
    /// How many bytes go with it, and how many come back.
    pub(crate) padding: usize,
    pub(crate) size: usize,
    pub(crate) deadline: Option<u64>,
    pub(crate) block: bool,
    /// Whether its object is called before it is there; this call waits for the first one of these.
    pub(crate) ahead: bool,
}
