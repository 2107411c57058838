//! What is measured, and the values that travel.

use serde::{Deserialize, Serialize};

/// What the client does over and over again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// One call of `echo(i64)` after the other.
    Sequential,
    /// 64 tasks call `echo(i64)` over one connection. (Ruby's wire has one for each call.)
    Tasks,
    /// Echo of 64 KiB.
    Bytes64K,
    /// Echo of 1 MiB.
    Bytes1M,
    /// Echo of 100 records.
    Records,
    /// The server calls an object of the client's within each call.
    Callback,
}

impl Workload {
    pub const ALL: [Self; 6] = [
        Self::Sequential,
        Self::Tasks,
        Self::Bytes64K,
        Self::Bytes1M,
        Self::Records,
        Self::Callback,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Tasks => "tasks",
            Self::Bytes64K => "64KiB",
            Self::Bytes1M => "1MiB",
            Self::Records => "records",
            Self::Callback => "callback",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Sequential => "one call after the other",
            Self::Tasks => "64 tasks",
            Self::Bytes64K => "echo of 64 KiB",
            Self::Bytes1M => "echo of 1 MiB",
            Self::Records => "echo of 100 records",
            Self::Callback => "a callback in each call",
        }
    }

    pub fn named(name: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|workload| workload.name() == name);
        found.ok_or_else(|| format!("no workload is named {name}; there are {names}"))
    }
}

/// How many tasks call side by side.
pub const TASKS: usize = 64;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, drb::DrbDumped)]
pub struct Record {
    pub id: u64,
    pub name: String,
    pub price: f64,
    pub stock: u32,
    pub tags: Vec<String>,
}

/// The records that travel.
pub fn records() -> Vec<Record> {
    let record = |id: u64| Record {
        id,
        name: format!("an article with the number {id}"),
        price: id as f64 * 1.25,
        stock: (id * 7 % 1000) as u32,
        tags: vec!["new".to_owned(), format!("shelf {}", id % 10)],
    };
    (0..100).map(record).collect()
}
