//! Who is compared.

pub mod bare;
pub mod drb;
pub mod tarpc;

use crate::workload::Workload;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// A protocol by hand on tokio: what there is to be reached.
    Bare,
    /// drb over its own wire.
    Native,
    /// drb over Ruby's wire.
    RubyWire,
    Tarpc,
    /// Ruby's own library, on both sides.
    Ruby,
}

impl Contender {
    pub const ALL: [Self; 5] = [Self::Bare, Self::Native, Self::RubyWire, Self::Tarpc, Self::Ruby];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Native => "drb",
            Self::RubyWire => "drb-ruby",
            Self::Tarpc => "tarpc",
            Self::Ruby => "ruby",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Bare => "bare tokio",
            Self::Native => "drb",
            Self::RubyWire => "drb, Ruby's wire",
            Self::Tarpc => "tarpc",
            Self::Ruby => "Ruby's drb",
        }
    }

    pub fn colour(self) -> &'static str {
        match self {
            Self::Bare => "#9a9a9a",
            Self::Native => "#c0392b",
            Self::RubyWire => "#e08e79",
            Self::Tarpc => "#2f6f9f",
            Self::Ruby => "#7d3c98",
        }
    }

    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|contender| contender.name() == name);
        found.ok_or_else(|| format!("no contender is named {name}"))
    }

    /// tarpc's servers don't call their clients.
    pub fn can(self, workload: Workload) -> bool {
        !(self == Self::Tarpc && workload == Workload::Callback)
    }
}
