//! Objects that are exported and released, in both directions.

use super::{
    Failed, Figures, Run, Task,
    ledger::{Told, answer},
    works::{Thing, ThingProxy},
};
use std::sync::Arc;

/// So many objects go in one message at most.
const MANY: u64 = 200;

/// Exports and releases so many objects.
///
/// # Errors
/// Says what didn't hold.
pub async fn exported(wanted: usize, seed: u64) -> Result<Figures, Failed> {
    let run = Run::start(wanted / 10 + 100_000, wanted).await?;
    run.work(seed, |task| Box::pin(task.come_and_go())).await?;
    let besides = format!("{} calls", run.ledger.calls());
    run.finish("export and release cycles", besides, seed).await
}

impl Task {
    async fn come_and_go(mut self) -> Result<(), Failed> {
        // What is held for a while, so that places are taken again in any order.
        let mut held: Vec<ThingProxy> = Vec::new();
        while !self.progress.is_enough() {
            let number = self.ledger.call()?;
            let count = 1 + self.random.below(MANY);
            let mut things = match self.random.below(4) {
                0 => self.works.many(number, count as u32).await?,
                1 => {
                    // Objects of this side, which come home.
                    let own = (0..count).map(|which| number.wrapping_add(which as u32));
                    let own = own.map(|number| Arc::new(Thing::new(&self.ledger, number)));
                    let own: Vec<_> = own.collect();
                    self.works.back(number, own).await?
                }
                2 => {
                    // They are handed on, and come home, before they are there.
                    let count = 1 + count / 20;
                    let calls: Vec<u32> =
                        (0..count).map(|_| self.ledger.call()).collect::<Result<_, _>>()?;
                    let things = calls.iter().map(|call| self.works.gives(*call, 0).pipelined());
                    let things = self.works.back(number, things.collect::<Vec<_>>()).await?;
                    for (thing, call) in things.iter().zip(calls) {
                        self.is(Some(thing), call).await?;
                        self.ledger.told(call, Told::Answered);
                    }
                    self.progress.add(things.len())?;
                    self.ledger.told(number, Told::Answered);
                    continue;
                }
                _ => {
                    let more = self.ledger.call()?;
                    let things = self.works.many(more, count as u32).await?;
                    self.ledger.told(more, Told::Answered);
                    let things = self.works.back(number, things).await?;
                    self.is(things.first(), more).await?;
                    self.progress.add(things.len())?;
                    self.ledger.told(number, Told::Answered);
                    continue;
                }
            };
            if things.len() != count as usize {
                return Err(format!("{count} objects came as {}", things.len()).into());
            }
            self.is(things.first(), number).await?;
            self.ledger.told(number, Told::Answered);
            self.progress.add(things.len())?;
            for _ in 0..self.random.below(4) {
                held.extend(things.pop());
            }
            while held.len() > 50 {
                let which = self.random.below(held.len() as u64) as usize;
                held.swap_remove(which);
            }
        }
        Ok(())
    }

    /// It is the object that it should be.
    async fn is(&self, thing: Option<&ThingProxy>, number: u32) -> Result<(), Failed> {
        let thing = thing.ok_or("no object has come")?;
        let given = thing.number().await?;
        match given == answer(number) {
            true => Ok(()),
            false => Err(format!("{given} came in the place of {}", answer(number)).into()),
        }
    }
}
