//! The object of `update_server`.

use crate::{Pair, PairProxy};
use drb::{Either, prelude::*};

/// Changes what it is given.
#[derive(DrbUndumped)]
pub struct Updater;

#[drb::service]
impl Updater {
    /// Adds 1 to both numbers of a pair: of its own copy, or of the caller's pair.
    pub async fn update(&self, pair: Either<Pair, PairProxy>) -> drb::Result<()> {
        match pair {
            Either::Value(mut copy) => copy.add(1),
            Either::Remote(pair) => pair.add(1).await?,
        }
        Ok(())
    }
}
