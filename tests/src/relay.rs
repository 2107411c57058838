//! The role `relay` of the program `peer`: a process that hands the objects of others on. The same
//! stands in `tests/ruby/relay.rb`, so that each process of a conversation can be of either kind.

use drb::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// What stays at home while others call it.
#[derive(Default, DrbUndumped)]
pub struct Thing {
    hits: Mutex<Vec<String>>,
}

#[drb::service]
impl Thing {
    /// Notes who calls, and says how many have called so far.
    pub fn hit(&self, by: String) -> usize {
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.push(by);
        hits.len()
    }

    /// Who has called.
    pub fn hits(&self) -> Vec<String> {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One process of the conversation. It owns one [`Thing`].
#[derive(DrbUndumped)]
pub struct Relay {
    name: String,
    thing: Arc<Thing>,
    taken: Mutex<Option<ThingProxy>>,
}

impl Relay {
    /// The process of that name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), thing: Arc::default(), taken: Mutex::default() }
    }

    fn keep(&self, thing: &ThingProxy) {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(thing.clone());
    }

    fn is_own(&self, thing: &ThingProxy) -> bool {
        thing.local::<Thing>().is_some_and(|own| Arc::ptr_eq(&own, &self.thing))
    }
}

#[drb::service]
impl Relay {
    /// Its own object.
    pub fn thing(&self) -> Arc<Thing> {
        Arc::clone(&self.thing)
    }

    /// Whether that is its own object: the very same, not an equal one.
    #[drb(name = "mine?")]
    pub fn is_mine(&self, thing: ThingProxy) -> bool {
        self.is_own(&thing)
    }

    /// Gives its object through one process to another, and says whether it gets itself back from
    /// there.
    pub async fn offer(&self, via: RelayProxy, to: RelayProxy) -> drb::Result<bool> {
        let back = via.pass(&to, &self.thing).await?;
        Ok(self.is_own(&back))
    }

    /// Hands an object on, and what comes back, back.
    pub async fn pass(&self, to: RelayProxy, thing: ThingProxy) -> drb::Result<ThingProxy> {
        to.take(&thing).await
    }

    /// Calls an object, keeps it, and gives it back.
    pub async fn take(&self, thing: ThingProxy) -> drb::Result<ThingProxy> {
        thing.hit(&self.name).await?;
        self.keep(&thing);
        Ok(thing)
    }

    /// Calls the object that it has kept.
    pub async fn again(&self) -> drb::Result<usize> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        taken.expect("an object was taken").hit(&self.name).await
    }

    /// Asks one process for the object of another, calls it, keeps it, and says whether its owner
    /// knows it as its own.
    pub async fn fetch(&self, via: RelayProxy, owner: RelayProxy) -> drb::Result<bool> {
        let thing = via.relay(&owner).await?;
        thing.hit(&self.name).await?;
        self.keep(&thing);
        owner.is_mine(&thing).await
    }

    /// The object of another process.
    pub async fn relay(&self, owner: RelayProxy) -> drb::Result<ThingProxy> {
        owner.thing().await
    }

    /// Hands several objects on in one list.
    pub async fn pass_many(
        &self,
        to: RelayProxy,
        things: Vec<ThingProxy>,
    ) -> drb::Result<Vec<ThingProxy>> {
        to.take_many(&things).await
    }

    /// Calls several objects, and gives them back.
    pub async fn take_many(&self, things: Vec<ThingProxy>) -> drb::Result<Vec<ThingProxy>> {
        for thing in &things {
            thing.hit(&self.name).await?;
        }
        Ok(things)
    }
}
