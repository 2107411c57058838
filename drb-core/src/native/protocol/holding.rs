//! What messages refer to, in the protocol: it is held until they are loaded, and given back if they aren't.

use super::Protocol;
use crate::{
    Budget, Closed, LoadError,
    dispatch::Dispatch,
    native::{
        Mentioned, Reader, Tail, closing,
        exports::Addresses,
        frame::{Kind, malformed, take, take32},
        imports::Place,
        scan::Scan,
    },
};
use std::sync::Arc;

/// A frame says this of so many objects at most: it is a small one.
const PLACES: usize = 1000;

/// So often a peer may give back what it hasn't got.
const VIOLATIONS: u32 = 100;

impl Protocol {
    /// The places of the objects that a message refers to.
    pub(in crate::native) fn references(
        &self,
        body: &[u8],
        tail: Option<&Tail>,
    ) -> Result<Mentioned, LoadError> {
        let budget = Budget::new(&self.limits, body.len());
        let mut reader = Reader::within(body, budget, &self.tables, None);
        reader.end_with(tail);
        reader.references()
    }

    /// A message that the peer has sent is not loaded: what it refers to is given back.
    pub(in crate::native) fn refuse(&mut self, body: &[u8]) {
        self.refuse_found(Scan::of(body));
    }

    pub(super) fn refuse_found(&mut self, found: Vec<Place>) {
        for place in found {
            self.imports.let_go(place, 1);
        }
        self.sender.wake();
    }

    /// A message is not loaded, so nobody is going to hold what it refers to.
    pub(super) fn forget(&mut self, mentioned: &Mentioned) {
        for (place, _) in &mentioned.senders {
            self.imports.let_go(*place, 1);
        }
    }

    /// A message has been loaded, or is not going to be: what came home in it is no longer held for it.
    pub(in crate::native) fn let_go_home(&mut self, mentioned: &Mentioned) {
        self.give_back(&mentioned.receivers);
        self.settle();
    }

    pub(super) fn give_back(&mut self, places: &[Place]) {
        for (slot, generation) in places {
            let object = self.exports.release(*slot, *generation, 1);
            self.dropped.extend(object.ok().flatten());
        }
    }

    pub(super) fn released(&mut self, mut body: &[u8]) -> Result<(), LoadError> {
        while !body.is_empty() {
            let (slot, generation) = (take32(&mut body)?, take32(&mut body)?);
            match self.exports.release(slot, generation, take(&mut body)?) {
                Ok(object) => self.dropped.extend(object),
                Err(_) => {
                    self.violations += 1;
                    if self.violations > VIOLATIONS {
                        return Err(malformed("releases of what was never given"));
                    }
                }
            }
        }
        Ok(())
    }

    pub(in crate::native) fn let_go(&mut self, place: Place, received: u64, later: bool) {
        self.imports.let_go(place, received);
        if !self.imports.holds(place) {
            self.watchers.let_go(place);
        }
        if !later {
            self.sender.wake();
        }
    }

    /// Takes an object away from the peer, if it holds it, and tells it.
    pub(in crate::native) fn revoke(&mut self, object: &Arc<dyn Dispatch>) -> bool {
        let Some(place) = self.exports.withdraw(object) else { return false };
        closing::write(self.outbox.ready(), Kind::Gone, [place]);
        self.sender.wake();
        true
    }

    /// Tells the peer of those of these objects that it holds: there is no way to them any more. Its calls are
    /// refused by the objects, which stand for others.
    pub(in crate::native) fn cut_off(&mut self, objects: &Addresses) {
        let places = self.exports.among(objects);
        for places in places.chunks(PLACES) {
            closing::write(self.outbox.ready(), Kind::CutOff, places.iter().copied());
            self.sender.wake();
        }
    }

    /// The peer has said that objects can't be called any more, for this reason.
    pub(super) fn gone(&mut self, body: &[u8], reason: Closed) -> Result<(), LoadError> {
        let Self { imports, watchers, gone, .. } = self;
        closing::read(body, |place| {
            // It may have been let go of just now.
            if imports.holds(place) && watchers.gone(place, reason) {
                gone.add(imports.weak(place), reason);
            }
        })
    }
}
