//! A message in the making.

use super::Tables;
use crate::{DumpError, Dumper, Limits, Reference, Session};
use std::{fmt, sync::Arc};

/// What a message says beside its bytes.
///
/// The objects that it refers to are counted while it is dumped. If it is never sent, because dumping
/// fails or nobody wants it any more, they are taken back.
#[derive(Default)]
pub struct Sending {
    /// How many shapes the reader has to know.
    pub shapes: u32,
    /// Whether there are references in it.
    pub references: bool,
    exported: Vec<Reference>,
    session: Option<Arc<dyn Session>>,
}

impl Sending {
    /// Dumps a value to the end of `out`.
    ///
    /// # Errors
    /// What `dump` says; `out` is as it was.
    pub(crate) fn write(
        &mut self,
        out: &mut Vec<u8>,
        limits: &Limits,
        session: Option<&Arc<dyn Session>>,
        dump: impl FnOnce(&mut Dumper<'_>) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        let start = out.len();
        let tables = session.and_then(|session| session.tables()).cloned();
        let tables = tables.unwrap_or_else(|| Arc::new(Tables::new()));
        if self.session.is_none() {
            self.session = session.cloned();
        }
        let written = {
            let session = session.map(|session| &**session);
            let mut dumper =
                Dumper::native(out, limits, &tables, session).collecting(&mut self.exported);
            dump(&mut dumper).and_then(|()| {
                self.shapes = self.shapes.max(dumper.shapes());
                self.references |= dumper.has_references();
                dumper.finish()
            })
        };
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The message is on its way: what it refers to is the peer's to give back.
    pub fn sent(mut self) {
        self.exported.clear();
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            for reference in self.exported.drain(..) {
                session.take_back(&reference);
            }
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("exported", &self.exported).finish_non_exhaustive()
    }
}
