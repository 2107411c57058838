//! A message in the making.

use crate::{
    DumpError, Dumper, Limits, Remote, Session,
    native::{Tables, Tail, imports::Place},
};
use bytes::Bytes;
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
    /// The string at its end, if that travels beside it.
    pub(super) tail: Option<Bytes>,
    refers: Option<Box<Refers>>,
}

struct Refers {
    collected: Collected,
    session: Arc<dyn Session>,
}

/// What a message refers to.
#[derive(Default)]
pub(crate) struct Collected {
    /// Objects of this process, counted once more for each.
    pub(crate) exported: Vec<Place>,
    /// Objects of the peer's. Whoever writes the message may let go of them before it is sent.
    pub(crate) held: Vec<Remote>,
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
        if let Some(tail) = self.tail.take() {
            // It isn't the end.
            out.extend_from_slice(&tail);
        }
        let start = out.len();
        // Nearly no message refers to anything.
        let mut collected = None;
        let written = {
            let session = session.map(|session| &**session);
            let mut dumper = Dumper::native(out, limits, tables, session);
            dumper.send_with(&mut collected);
            dump(&mut dumper).and_then(|()| {
                self.shapes = self.shapes.max(dumper.shapes());
                self.references |= dumper.has_references();
                dumper.finish_with_tail()
            })
        };
        let collected = collected.zip(session);
        match written {
            Ok(tail) => {
                self.tail = tail;
                if let Some((collected, session)) = collected {
                    self.refer(*collected, session);
                }
                Ok(())
            }
            Err(error) => {
                out.truncate(start);
                // Another message may follow, as an exception does in the place of a result.
                if let Some((collected, session)) = collected {
                    take_back(collected.exported, &**session);
                }
                Err(error)
            }
        }
    }

    /// The message refers to these as well.
    fn refer(&mut self, mut collected: Collected, session: &Arc<dyn Session>) {
        match &mut self.refers {
            Some(refers) => {
                refers.collected.exported.append(&mut collected.exported);
                refers.collected.held.append(&mut collected.held);
            }
            None => {
                let session = Arc::clone(session);
                self.refers = Some(Box::new(Refers { collected, session }));
            }
        }
    }

    /// The string at the end of a message that stays within the process. It is not copied.
    pub fn take_tail(&mut self) -> Option<Arc<Tail>> {
        self.tail.take().map(Tail::new)
    }

    /// Whether it holds nothing for what the message refers to.
    pub(crate) fn refers_to_nothing(&self) -> bool {
        self.refers.is_none()
    }

    /// The message is on its way: what it refers to is the peer's to give back.
    pub fn sent(&mut self) {
        if let Some(refers) = &mut self.refers {
            refers.collected.exported.clear();
        }
    }
}

impl Drop for Refers {
    fn drop(&mut self) {
        take_back(std::mem::take(&mut self.collected.exported), &*self.session);
    }
}

fn take_back(exported: Vec<Place>, session: &dyn Session) {
    exported.into_iter().for_each(|(slot, generation)| session.take_back(slot, generation));
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exported = self.refers.as_ref().map(|refers| &refers.collected.exported);
        f.debug_struct("Sending").field("exported", &exported).finish_non_exhaustive()
    }
}
