//! What `update_server` changes.

use drb::prelude::*;

/// Two numbers. They are copied to whoever gets them, unless the owner passes them by reference: then
/// it is [`Pair::add`] that others can call.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
pub struct Pair {
    /// The first number.
    pub first: i64,
    /// The second number.
    pub second: i64,
}

#[drb::service]
impl Pair {
    /// Adds to both.
    pub fn add(&mut self, by: i64) {
        self.first += by;
        self.second += by;
    }
}
