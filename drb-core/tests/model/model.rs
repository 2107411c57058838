//! What has to hold: the tables of a connection say what the processes really have.

use crate::{
    side::Side,
    thing::{Handle, Process},
    world::{Promise, World},
};
use drb_core::{Outcome, Reference, native::Stage};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak, atomic::Ordering},
    task::{Context, Waker},
};

impl Process {
    /// How often an object was taken back; `None` if it is gone.
    pub(crate) fn era(&self, id: u64) -> Option<u64> {
        let made = self.lock().made.clone();
        let thing = made.iter().filter_map(Weak::upgrade).find(|thing| thing.id == id);
        thing.map(|thing| thing.era.load(Ordering::Relaxed))
    }

    /// Everything that the process has of others: what it keeps, and what its methods have.
    fn handles(&self) -> Vec<Handle> {
        let state = self.lock();
        let waiting: Vec<_> = state.waiting.iter().filter_map(Weak::upgrade).collect();
        let within = waiting.iter().flat_map(|gate| gate.holds.iter());
        state.kept.iter().chain(within).cloned().collect()
    }
}

/// When nothing is under way, each side holds what its program has, and the other one knows it.
pub(crate) fn check_at_rest(world: &World) {
    for (by, side) in world.sides.iter().enumerate() {
        let there = &world.sides[1 - by];
        let mut handles = side.process.handles();
        handles.retain(Handle::is_held);
        let mut held: HashSet<Reference> =
            handles.iter().map(|handle| handle.reference().clone()).collect();
        // What calls have given that were called ahead.
        let given = world.promises(by).filter_map(Promise::given);
        let given = given.filter(|given| given.link().session().is_some());
        held.extend(given.map(|given| given.reference().clone()));
        let (imported, least) = (side.connection.held().1, held.len());
        // Some may be held for longer: by a call that is to be made when its object is called, and for what
        // the other side was promised.
        held.extend(world.promises(by).flat_map(|promise| promise.holds.iter().cloned()));
        let promised = world.promises(1 - by).count();
        assert!((least..=held.len() + promised).contains(&imported), "what is held");
        let promises = side.connection.protocol().promises().0;
        assert!(promises <= promised, "what is promised");
        let exported = there.connection.held().0;
        // By calls that are to be made when their objects are called.
        let exports: usize = world.promises(1 - by).map(|promise| promise.exports).sum();
        if side.ended {
            assert!(exported <= exports, "what is given after the end");
            continue;
        }
        let blocks = world.calls.iter().filter(|call| call.by != by && call.block).count();
        let waits: usize = world.calls.iter().map(|call| call.waits_with).sum();
        let least = imported + blocks;
        let most = least + world.promises(by).count() + exports + waits;
        assert!((least..=most).contains(&exported), "what is given");
        assert!(side.is_between_frames());
        for Handle { id, era, .. } in &handles {
            // Whatever its owner does, but for taking it back.
            let now = there.process.era(*id);
            let kept = now.is_some_and(|now| now >= *era);
            assert!(kept || there.process.lock().revoked.contains(id), "{id} is lost");
        }
    }
}

/// What callers were told is true, and no call has run twice.
pub(crate) fn check_told(sides: &[Side; 2], told: &HashMap<u64, Outcome>) {
    for side in sides {
        assert!(side.process.lock().runs.values().all(|runs| *runs == 1), "a call has run twice");
    }
    for (token, outcome) in told {
        let ran = sides.iter().any(|side| side.process.lock().runs.contains_key(token));
        match outcome {
            Outcome::NotExecuted => assert!(!ran, "{token} has run after all"),
            Outcome::Executed => assert!(ran, "{token} has not run"),
            Outcome::Unknown => {}
        }
    }
}

/// Nothing is left of all that was.
pub(crate) fn check_empty(sides: [Side; 2]) {
    for side in &sides {
        assert_eq!(side.running(), 0, "methods run on");
        assert_eq!(side.connection.held(), (0, 0));
        let mut protocol = side.connection.protocol();
        assert_eq!(protocol.promises(), (0, 0));
        if !side.ended {
            assert_eq!(protocol.waiting(), 0, "something is never sent");
            let mut context = Context::from_waker(Waker::noop());
            assert!(protocol.poll_transmit(&mut context).is_pending());
            protocol.leave();
            assert!(protocol.is_left(), "a call is still known");
        }
    }
    for side in sides {
        let connection = Arc::downgrade(&side.connection);
        let process = Arc::clone(&side.process);
        side.connection.reach(Stage::Over);
        drop(side);
        assert_eq!(connection.strong_count(), 0, "the connection holds itself");
        let mut state = process.lock();
        let own = std::mem::take(&mut state.own);
        drop(own);
        assert!(state.made.iter().all(|made| made.strong_count() == 0), "an object is never freed");
    }
}
