//! A message in the making.

use crate::{DumpError, Dumper, Limits, Reference, Session, native::Tables};
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
    /// Nearly no message exports anything, and messages are moved about.
    exported: Option<Box<Exported>>,
}

struct Exported {
    references: Vec<Reference>,
    session: Arc<dyn Session>,
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
        let none;
        let tables = match session.and_then(|session| session.tables()) {
            Some(tables) => &**tables,
            None => {
                none = Tables::new();
                &none
            }
        };
        let start = out.len();
        let mut exported = Vec::new();
        let written = {
            let session = session.map(|session| &**session);
            let mut dumper = Dumper::native(out, limits, tables, session).collecting(&mut exported);
            dump(&mut dumper).and_then(|()| {
                self.shapes = self.shapes.max(dumper.shapes());
                self.references |= dumper.has_references();
                dumper.finish()
            })
        };
        if written.is_err() {
            out.truncate(start);
        }
        if let (false, Some(session)) = (exported.is_empty(), session) {
            let new =
                || Box::new(Exported { references: Vec::new(), session: Arc::clone(session) });
            self.exported.get_or_insert_with(new).references.append(&mut exported);
        }
        written
    }

    /// The message is on its way: what it refers to is the peer's to give back.
    pub fn sent(mut self) {
        if let Some(exported) = &mut self.exported {
            exported.references.clear();
        }
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        for reference in self.references.drain(..) {
            self.session.take_back(&reference);
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exported = self.exported.as_ref().map(|exported| &exported.references);
        f.debug_struct("Sending").field("exported", &exported).finish_non_exhaustive()
    }
}
