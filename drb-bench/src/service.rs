//! The objects that are called.

use crate::workload::Record;
use drb::{Block, DrbUndumped};
use futures_util::{Stream, stream};

/// The server's front object.
pub(crate) struct Bench;

#[drb::service]
impl Bench {
    pub fn echo(&self, number: i64) -> i64 {
        number
    }

    pub fn blob(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub fn records(&self, records: Vec<Record>) -> Vec<Record> {
        records
    }

    /// Gives back what `to` gives for the number.
    pub async fn callback(&self, number: i64, to: AddProxy) -> drb::Result<i64> {
        to.add(number).await
    }

    /// Gives `0..count`, one after the other.
    pub fn items(&self, count: i64) -> impl Stream<Item = i64> {
        stream::iter(0..count)
    }

    /// Yields `0..count`, as a service for Ruby would.
    pub async fn each(&self, count: u64, block: Block<(u64,)>) -> drb::Result<()> {
        for item in 0..count {
            block.call((item,)).await?;
        }
        Ok(())
    }

    /// References to as many objects, each of which holds its number.
    pub fn export(&self, count: u64) -> Vec<Holder> {
        (0..count).map(Holder).collect()
    }
}

/// What is exported.
#[derive(DrbUndumped)]
pub(crate) struct Holder(u64);

#[drb::service]
impl Holder {
    pub fn value(&self) -> u64 {
        self.0
    }
}

/// What the client is called back at.
#[derive(DrbUndumped)]
pub(crate) struct Add(pub(crate) i64);

#[drb::service]
impl Add {
    pub fn add(&self, number: i64) -> i64 {
        number + self.0
    }
}
