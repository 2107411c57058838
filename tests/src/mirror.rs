//! An object that is called and calls back, for tests of calls within calls.

use drb::{Server, prelude::*};
use std::sync::OnceLock;

/// What `tests/ruby/mirror.rb` offers, too.
#[drb::service]
pub trait Mirror {
    /// Calls the other one back with itself, `times` times altogether, and counts.
    async fn bounce(&self, other: MirrorProxy, times: u64) -> drb::Result<u64>;

    /// The same without end.
    async fn endless(&self, other: MirrorProxy) -> drb::Result<u64>;
}

/// The one in Rust.
#[derive(Default, DrbUndumped)]
pub struct Glass {
    itself: OnceLock<MirrorProxy>,
}

impl Glass {
    /// One that a server keeps.
    ///
    /// # Panics
    /// The server keeps nothing more.
    pub fn kept(server: &Server) -> MirrorProxy {
        let glass = std::sync::Arc::new(Self::default());
        let itself = server.keep(glass.clone()).expect("there is room");
        glass.itself.get_or_init(|| itself).clone()
    }

    fn itself(&self) -> drb::Result<MirrorProxy> {
        self.itself.get().cloned().ok_or(drb::Error::Stopped)
    }
}

#[drb::service]
impl Mirror for Glass {
    async fn bounce(&self, other: MirrorProxy, times: u64) -> drb::Result<u64> {
        match times {
            0 => Ok(0),
            _ => Ok(other.bounce(self.itself()?, times - 1).await? + 1),
        }
    }

    async fn endless(&self, other: MirrorProxy) -> drb::Result<u64> {
        Ok(other.endless(self.itself()?).await? + 1)
    }
}
