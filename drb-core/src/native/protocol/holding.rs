//! What messages refer to, in the protocol: it is held until they are loaded, and given back if they aren't.

use super::Protocol;
use crate::{
    Budget, LoadError,
    dispatch::Dispatch,
    native::{
        Mentioned, Reader, Tail, closing,
        frame::{malformed, take, take32},
        imports::Place,
        scan::Scan,
    },
};
use std::sync::Arc;

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
        let mut reader = Reader::within(body, budget, &self.tables);
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

    pub(in crate::native) fn let_go(&mut self, place: Place, received: u64) {
        self.imports.let_go(place, received);
        if !self.imports.holds(place) {
            self.watchers.let_go(place);
        }
        self.sender.wake();
    }

    /// Takes an object away from the peer, if it holds it, and tells it.
    pub(in crate::native) fn revoke(&mut self, object: &Arc<dyn Dispatch>) -> bool {
        let Some(place) = self.exports.withdraw(object) else { return false };
        closing::write_gone(self.outbox.ready(), place);
        self.sender.wake();
        true
    }
}
