//! The role `relay` of the program `peer`: a process that hands the objects of others on. The same
//! stands in `tests/ruby/relay.rb`, so that each process of a conversation can be of either kind.

use drb::{Block, Error, prelude::*};
use std::{
    ops::ControlFlow::{Break, Continue},
    sync::{Arc, Mutex, PoisonError},
};

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

    /// Passes a block through one process to another, which calls it three times; says what the block
    /// was called with, and the result.
    pub async fn sum_through(&self, via: RelayProxy, to: RelayProxy) -> drb::Result<Vec<u64>> {
        let mut seen = Vec::new();
        let times_ten = |number| {
            seen.push(number);
            number * 10
        };
        let sum = via.pass_block(&to, 3, times_ten).await?;
        seen.push(sum);
        Ok(seen)
    }

    /// The same with a block that leaves both methods.
    pub async fn find_through(&self, via: RelayProxy, to: RelayProxy) -> drb::Result<u64> {
        let until_two = |number| if number == 2 { Break(700) } else { Continue(number) };
        via.pass_block(&to, 5, until_two).await
    }

    /// The same with a block that raises; says what arrives of it.
    pub async fn fail_through(&self, via: RelayProxy, to: RelayProxy) -> drb::Result<String> {
        let not_two = |number| match number {
            2 => Err("not two".to_owned()),
            _ => Ok(number),
        };
        match via.pass_block(&to, 5, not_two).await {
            Ok(_) => Ok("nothing was raised".to_owned()),
            Err(Error::Raised(exception)) => {
                Ok(format!("{}: {}", exception.class, exception.message))
            }
            Err(other) => Err(other),
        }
    }

    /// Calls another process with a block that calls the own one.
    pub async fn pass_block(
        &self,
        to: RelayProxy,
        count: u64,
        block: Block<(u64,), u64>,
    ) -> drb::Result<u64> {
        to.repeat(count, async |number| block.call((number,)).await).await
    }

    /// Calls a block so many times, and adds up what it gives.
    pub async fn repeat(&self, count: u64, block: Block<(u64,), u64>) -> drb::Result<u64> {
        let mut sum = 0;
        for number in 1..=count {
            sum += block.call((number,)).await?;
        }
        Ok(sum)
    }
}
