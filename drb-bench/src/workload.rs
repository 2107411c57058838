//! What is measured, and the values that travel.

use drb::DrbDumped;
use std::str::FromStr;

/// Tasks that call side by side in W2, and connections in W3.
pub(crate) const CALLERS: usize = 64;

/// What one stream of W7 has.
pub(crate) const ITEMS: u64 = 10_000;

/// How many references W8 asks for.
pub(crate) const EXPORTS: u64 = 100_000;

/// The number that is echoed.
pub(crate) const NUMBER: i64 = 1_234_567;

/// How many records W5 echoes.
pub(crate) const RECORDS: u64 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// W1: one task calls `echo`, one call after the other.
    Sequential,
    /// W2: many tasks call `echo` through one proxy. Ruby's wire carries one call at a time over a
    /// connection, so there it is many connections.
    SideBySide,
    /// W3: many connections, each with a task that calls `echo`.
    Connections,
    /// W4: so many bytes there and back.
    Blob(usize),
    /// W5: [`records`] there and back.
    Records,
    /// W6: a call that calls back once.
    Callback,
    /// W7: a method that calls a block [`ITEMS`] times.
    Stream,
    /// W8: [`EXPORTS`] objects that come by reference.
    Export,
    /// W9: connect, call once, close.
    Connect,
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(match name {
            "W1" => Self::Sequential,
            "W2" => Self::SideBySide,
            "W3" => Self::Connections,
            "W4.1K" => Self::Blob(1 << 10),
            "W4.64K" => Self::Blob(64 << 10),
            "W4.1M" => Self::Blob(1 << 20),
            "W5" => Self::Records,
            "W6" => Self::Callback,
            "W7" => Self::Stream,
            "W8" => Self::Export,
            "W9" => Self::Connect,
            other => return Err(format!("no workload is called `{other}`")),
        })
    }
}

/// What W5 sends; in Ruby a Struct.
#[derive(Debug, Clone, PartialEq, DrbDumped)]
#[drb(as_struct)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) score: f64,
    pub(crate) active: bool,
}

pub(crate) fn records() -> Vec<Record> {
    let record = |number: u64| Record {
        id: 1_000_000 + number,
        name: format!("record-{number:06}"),
        tags: (0..number % 4).map(|tag| format!("tag-{tag}-{number}")).collect(),
        score: number as f64 * 1.25,
        active: number.is_multiple_of(2),
    };
    (0..RECORDS).map(record).collect()
}

pub(crate) fn blob(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index * 7) as u8).collect()
}
